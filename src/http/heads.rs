//! Checks request heads: two readers must not be able to read one differently (RFC 9112).
//!
//! The HTTP library is lenient where the RFC allows it. A proxy in front may be lenient in another way: one may take
//! for a body what the other takes for the next request. So heads are read here once more, only to judge them; the
//! library still reads the request. An ambiguous request is refused, and nothing after it is read.

use std::collections::VecDeque;

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ambiguous {
    /// RFC 9112 §2.2.
    #[error("a line of the request does not end with CR LF, or has one of them inside")]
    LineEnd,
    /// RFC 9112 §5.2.
    #[error("a header line is folded")]
    Folded,
    /// RFC 9112 §5.1.
    #[error("a header has white space before its colon, or no name")]
    Name,
    /// RFC 9112 §6.1.
    #[error("the request has both Content-Length and Transfer-Encoding")]
    LengthAndCoding,
    /// RFC 9112 §6.3.
    #[error("Content-Length is not one number")]
    Length,
    /// Another transfer coding than chunked (RFC 9112 §6.1).
    #[error("Transfer-Encoding is not chunked alone, in HTTP/1.1")]
    Coding,
    /// RFC 9112 §3.2.
    #[error("a request of HTTP/1.1 has exactly one Host")]
    Host,
    /// It was not read: a line is too long, or it came after an ambiguous request.
    #[error("the request could not be read")]
    Unread,
}

/// The verdicts on the heads of one connection, in order.
#[derive(Debug, Default)]
pub struct Heads {
    at: At,
    line: Vec<u8>,
    head: Head,
    verdicts: VecDeque<Result<(), Ambiguous>>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum At {
    /// Before a request line, or in a head.
    #[default]
    Head,
    /// In a body that lacks so many bytes.
    Body(u64),
    /// Nothing more is read: a chunked body follows, or an ambiguous request came.
    Past,
}

#[derive(Debug, Default)]
struct Head {
    is_begun: bool,
    is_http_1_1: bool,
    hosts: usize,
    lengths: usize,
    length: u64,
    codings: usize,
    is_chunked: bool,
}

/// The longest line: as long as a whole head may be.
const MAX_LINE: usize = crate::budgets::http::HEAD_BYTES.size();

impl Heads {
    /// Reads received bytes.
    pub fn read(&mut self, mut bytes: &[u8]) {
        loop {
            match self.at {
                At::Past => return,
                At::Body(left) => {
                    let here =
                        usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
                    bytes = &bytes[here..];
                    let left = left - here as u64;
                    if left > 0 {
                        self.at = At::Body(left);
                        return;
                    }
                    self.at = At::Head;
                }
                At::Head => {
                    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
                        self.keep(bytes);
                        return;
                    };
                    self.keep(&bytes[..end]);
                    bytes = &bytes[end + 1..];
                    let line = std::mem::take(&mut self.line);
                    if self.at == At::Head {
                        self.line(&line);
                    }
                }
            }
        }
    }

    /// The verdict on the next request.
    pub fn next(&mut self) -> Result<(), Ambiguous> {
        self.verdicts.pop_front().unwrap_or(Err(Ambiguous::Unread))
    }

    fn keep(&mut self, part: &[u8]) {
        self.line.extend_from_slice(part);
        if self.line.len() > MAX_LINE {
            self.line = Vec::new();
            self.at = At::Past;
        }
    }

    fn line(&mut self, line: &[u8]) {
        let Some(line) = line
            .strip_suffix(b"\r")
            .filter(|line| !line.contains(&b'\r'))
        else {
            return self.refuse(Ambiguous::LineEnd);
        };
        if !self.head.is_begun {
            // Empty lines before a request are ignored (RFC 9112 §2.2).
            if !line.is_empty() {
                self.head.is_begun = true;
                self.head.is_http_1_1 = line.ends_with(b" HTTP/1.1");
            }
            return;
        }
        let judged = match line {
            [] => return self.end(),
            [b' ' | b'\t', ..] => Err(Ambiguous::Folded),
            line => self.head.field(line),
        };
        if let Err(why) = judged {
            self.refuse(why);
        }
    }

    fn end(&mut self) {
        let head = std::mem::take(&mut self.head);
        match head.judge() {
            Ok(()) => {
                self.verdicts.push_back(Ok(()));
                self.at = match (head.codings, head.length) {
                    (0, 0) => At::Head,
                    (0, length) => At::Body(length),
                    _ => At::Past,
                };
            }
            Err(why) => self.refuse(why),
        }
    }

    fn refuse(&mut self, why: Ambiguous) {
        self.verdicts.push_back(Err(why));
        self.at = At::Past;
    }
}

impl Head {
    fn field(&mut self, line: &[u8]) -> Result<(), Ambiguous> {
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = line.split_at(colon.ok_or(Ambiguous::Name)?);
        let value = value[1..].trim_ascii();
        if name.is_empty() || name.iter().any(u8::is_ascii_whitespace) {
            return Err(Ambiguous::Name);
        }
        if name.eq_ignore_ascii_case(b"host") {
            self.hosts += 1;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            self.lengths += 1;
            let digits = std::str::from_utf8(value).ok();
            let digits = digits.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            let length = digits.and_then(|digits| digits.parse().ok());
            self.length = length.ok_or(Ambiguous::Length)?;
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.codings += 1;
            self.is_chunked = value.eq_ignore_ascii_case(b"chunked");
        }
        Ok(())
    }

    fn judge(&self) -> Result<(), Ambiguous> {
        if self.lengths > 0 && self.codings > 0 {
            return Err(Ambiguous::LengthAndCoding);
        }
        if self.lengths > 1 {
            return Err(Ambiguous::Length);
        }
        if self.codings > 1 || self.codings == 1 && !(self.is_chunked && self.is_http_1_1) {
            return Err(Ambiguous::Coding);
        }
        if self.hosts > 1 || self.hosts == 0 && self.is_http_1_1 {
            return Err(Ambiguous::Host);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdicts on the requests in `bytes`. They must not depend on how the bytes are cut.
    fn verdicts(bytes: &str) -> Vec<Result<(), Ambiguous>> {
        let mut whole = Heads::default();
        whole.read(bytes.as_bytes());
        let mut pieces = Heads::default();
        for byte in bytes.as_bytes() {
            pieces.read(&[*byte]);
        }
        assert_eq!(whole.verdicts, pieces.verdicts, "{bytes:?}");
        whole.verdicts.into()
    }

    fn with(lines: &str) -> Vec<Result<(), Ambiguous>> {
        verdicts(&format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n"))
    }

    #[test]
    fn sound_requests_follow_each_other() {
        let get = "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n";
        let post = "POST / HTTP/1.1\r\nhost:a\r\ncontent-length: 5 \r\n\r\nGET \n";
        let old = "\r\nGET / HTTP/1.0\r\n\r\n";
        let all = format!("{get}{post}{old}{get}");
        assert_eq!(verdicts(&all), [Ok(()); 4]);
        let chunked = with("Transfer-Encoding: Chunked\r\n");
        assert_eq!(chunked, [Ok(())]);
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        use Ambiguous::*;
        let table = [
            (
                "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                LengthAndCoding,
            ),
            (
                "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                LengthAndCoding,
            ),
            (
                "transfer-encoding: identity\r\nCONTENT-LENGTH: 0\r\n",
                LengthAndCoding,
            ),
            ("Content-Length: 5\r\nContent-Length: 6\r\n", Length),
            ("Content-Length: 5\r\nContent-Length: 5\r\n", Length),
            ("Content-Length: 5, 5\r\n", Length),
            ("Content-Length: +5\r\n", Length),
            ("Content-Length: 0x5\r\n", Length),
            ("Content-Length: -1\r\n", Length),
            ("Content-Length:\r\n", Length),
            ("Content-Length: 99999999999999999999\r\n", Length),
            ("Transfer-Encoding: gzip, chunked\r\n", Coding),
            ("Transfer-Encoding: chunked, chunked\r\n", Coding),
            (
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                Coding,
            ),
            ("Transfer-Encoding: xchunked\r\n", Coding),
            ("Transfer-Encoding:\u{b}chunked\r\n", Coding),
            ("Transfer-Encoding: \"chunked\"\r\n", Coding),
            ("X-A: 1\r\n Transfer-Encoding: chunked\r\n", Folded),
            ("X-A: 1\r\n\tmore\r\n", Folded),
            ("Transfer-Encoding : chunked\r\n", Name),
            ("Content-Length\t: 5\r\n", Name),
            (": nameless\r\n", Name),
            ("no colon\r\n", Name),
            ("X-A: 1\nX-B: 2\r\n", LineEnd),
            ("X-A: 1\rX-B: 2\r\n", LineEnd),
            ("X-A: 1\n", LineEnd),
            ("Host: b\r\n", Host),
        ];
        for (lines, why) in table {
            assert_eq!(with(lines), [Err(why)], "{lines:?}");
        }
        assert_eq!(verdicts("GET / HTTP/1.1\r\n\r\n"), [Err(Host)]);
        let old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(verdicts(old), [Err(Coding)]);
        assert_eq!(verdicts("GET / HTTP/1.1\nHost: a\n\n"), [Err(LineEnd)]);
    }

    #[test]
    fn after_what_was_refused_nothing_is_believed() {
        let smuggled =
            "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n";
        let mut heads = Heads::default();
        heads.read(format!("POST / HTTP/1.1\r\nHost: a\r\n{smuggled}\r\n").as_bytes());
        assert_eq!(heads.next(), Err(Ambiguous::LengthAndCoding));
        assert_eq!(heads.next(), Err(Ambiguous::Unread));
        let mut endless = Heads::default();
        endless.read(&vec![b'x'; 2 * MAX_LINE]);
        endless.read(b"\r\n\r\n");
        assert_eq!(endless.next(), Err(Ambiguous::Unread));
        assert!(endless.line.is_empty());
    }
}
