"""Prompts: templates, conversations, thinking and tool calls. Pure functions of their arguments."""
