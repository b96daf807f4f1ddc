"""The interactive chat of `ollamars run`: line editor, slash commands, the conversation."""
