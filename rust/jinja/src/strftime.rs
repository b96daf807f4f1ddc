//! A moment that a template may print, and Python's `strftime`.

use std::fmt::Write as _;
use std::str::FromStr;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];
const DAYS_BEFORE: [u32; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// Local date and time, without a zone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
}

impl FromStr for Moment {
    type Err = String;

    /// Reads `YYYY-MM-DD` or `YYYY-MM-DDTHH:MM:SS`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a date (YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS)");
        let mut fields = [0; 6];
        let parts: Vec<&str> = text.split(['-', 'T', ':']).collect();
        if parts.len() != 3 && parts.len() != 6 {
            return Err(wrong());
        }
        for (field, part) in fields.iter_mut().zip(&parts) {
            *field = part.parse().map_err(|_| wrong())?;
        }
        let [year, month, day, hour, minute, second] = fields;
        let ranges = (1..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && hour < 24
            && minute < 60
            && second < 61;
        let moment = Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
        };
        if ranges { Ok(moment) } else { Err(wrong()) }
    }
}

impl Moment {
    /// Day of the year from 1 (Gregorian).
    fn day_of_year(self) -> u32 {
        let before = DAYS_BEFORE
            .get(self.month as usize - 1)
            .copied()
            .unwrap_or(0);
        let leap = self.year.is_multiple_of(4)
            && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400));
        before + self.day + u32::from(leap && self.month > 2)
    }

    /// Day of the week, 0 for Sunday.
    fn weekday(self) -> usize {
        let past = self.year - 1;
        let days = past * 365 + past / 4 - past / 100 + past / 400 + self.day_of_year();
        (days % 7) as usize
    }

    /// `strftime`; the error names a directive that is not known.
    pub(crate) fn format(self, format: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = format.chars();
        while let Some(char) = rest.next() {
            if char != '%' {
                out.push(char);
                continue;
            }
            match rest.next() {
                Some('-') => {
                    let padded = self.directive(rest.next().unwrap_or('%'))?;
                    let trimmed = padded.trim_start_matches('0');
                    out.push_str(if trimmed.is_empty() { "0" } else { trimmed });
                }
                Some(directive) => out.push_str(&self.directive(directive)?),
                None => out.push('%'),
            }
        }
        Ok(out)
    }

    fn directive(self, directive: char) -> Result<String, String> {
        let month = MONTHS
            .get(self.month as usize - 1)
            .copied()
            .unwrap_or_default();
        let weekday = WEEKDAYS.get(self.weekday()).copied().unwrap_or_default();
        let twelve = (self.hour + 11) % 12 + 1;
        let mut out = String::new();
        // Writing into a string cannot fail.
        let _ = match directive {
            'Y' => write!(out, "{}", self.year),
            'y' => write!(out, "{:02}", self.year % 100),
            'm' => write!(out, "{:02}", self.month),
            'd' => write!(out, "{:02}", self.day),
            'e' => write!(out, "{:2}", self.day),
            'j' => write!(out, "{:03}", self.day_of_year()),
            'H' => write!(out, "{:02}", self.hour),
            'I' => write!(out, "{twelve:02}"),
            'M' => write!(out, "{:02}", self.minute),
            'S' => write!(out, "{:02}", self.second),
            'p' => write!(out, "{}", if self.hour < 12 { "AM" } else { "PM" }),
            'B' => write!(out, "{month}"),
            'b' | 'h' => write!(out, "{}", month.get(..3).unwrap_or(month)),
            'A' => write!(out, "{weekday}"),
            'a' => write!(out, "{}", weekday.get(..3).unwrap_or(weekday)),
            'w' => write!(out, "{}", self.weekday()),
            'F' => write!(out, "{}-{:02}-{:02}", self.year, self.month, self.day),
            'T' => write!(
                out,
                "{:02}:{:02}:{:02}",
                self.hour, self.minute, self.second
            ),
            '%' => write!(out, "%"),
            other => return Err(format!("strftime_now: %{other} is not known")),
        };
        Ok(out)
    }
}
