//! Input from the person at the terminal, or from standard input.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use super::Failure;
use crate::protocol::text::{MAX_PASSWORD_BYTES, Password};

/// Where a password comes from. It is never an argument, because every process of the machine can read those.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordSource {
    /// Asked for twice on the terminal, without showing it.
    Prompt,
    /// The first line of standard input.
    Stdin,
}

/// Takes the password from where the caller said.
pub fn read_password(source: PasswordSource) -> Result<Password, Failure> {
    match source {
        PasswordSource::Stdin => first_line(std::io::stdin().lock()),
        PasswordSource::Prompt => prompt(),
    }
}

fn prompt() -> Result<Password, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::wrong_value(
            "there is no terminal to ask for the password; give it with --password-stdin",
        ));
    }
    let ask = |text: &str| {
        rpassword::prompt_password(text)
            .map_err(|error| Failure::because("cannot ask for the password", &error))
    };
    let password = ask("Password: ")?;
    if ask("Once more: ")? != password {
        return Err(Failure::wrong_value("the two passwords differ"));
    }
    Ok(Password::new(password))
}

/// The first line without its end. A line that is too long is cut just past the limit, and then refused.
fn first_line(input: impl std::io::BufRead) -> Result<Password, Failure> {
    let limit = u64::try_from(MAX_PASSWORD_BYTES + 3).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    input
        .take(limit)
        .read_until(b'\n', &mut bytes)
        .map_err(|error| Failure::because("cannot read the password", &error))?;
    let line = String::from_utf8(bytes)
        .map_err(|_| Failure::wrong_value("the password is not valid UTF-8"))?;
    let line = line.strip_suffix('\n').unwrap_or(&line);
    let line = line.strip_suffix('\r').unwrap_or(line);
    Ok(Password::new(line.to_owned()))
}

/// Asks whether to go on. Without a terminal nobody can answer, so a flag must confirm it.
pub fn confirm(question: &str) -> Result<(), Failure> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Err(Failure::wrong_value(format!(
            "{question} Say so with --yes"
        )));
    }
    let cannot_ask = |error| Failure::because("cannot ask", &error);
    let mut output = std::io::stderr();
    write!(output, "{question} [y/N] ").map_err(cannot_ask)?;
    output.flush().map_err(cannot_ask)?;
    let mut answer = String::new();
    input.lock().read_line(&mut answer).map_err(cannot_ask)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Failure::new("nothing was done")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_the_first_line_as_it_stands() {
        for (input, expected) in [
            ("correct horse\nbattery", "correct horse"),
            ("  spaced \r\n", "  spaced "),
            ("no line end", "no line end"),
            ("", ""),
        ] {
            assert_eq!(first_line(input.as_bytes()).unwrap().reveal(), expected);
        }
        let endless = "x".repeat(1 << 20);
        assert!(first_line(endless.as_bytes()).unwrap().is_too_long());
        assert!(first_line(&b"\xff\xfe\n"[..]).is_err());
    }
}
