//! Strings that the server passes on and does not read.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A string as JSON writes it, with its quotes and escapes (RFC 8259 §7). It goes out as it came in: nobody pays for
/// taking it apart and putting it together again.
#[derive(Clone)]
pub struct JsonString {
    json: Box<RawValue>,
    /// What it weighs when it is read.
    bytes: usize,
}

impl JsonString {
    /// Writes `text` as JSON.
    pub fn new(text: &str) -> Self {
        Self {
            json: serde_json::value::to_raw_value(text).expect("a string is JSON"),
            bytes: text.len(),
        }
    }

    /// Reads it from any format, as a string.
    ///
    /// # Errors
    /// Those of the format.
    pub fn from_string<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::new(&text))
    }

    /// The length of the string itself, in bytes of UTF-8.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The string itself.
    #[cfg(test)]
    pub fn text(&self) -> String {
        serde_json::from_str(self.json.get()).expect("it was read once")
    }

    /// The length of its JSON, in bytes.
    pub fn json_bytes(&self) -> usize {
        self.json.get().len()
    }
}

/// The length of the string that `json` writes. None when only a reader of JSON can tell: it is no string, or it has
/// characters by their numbers, which may be halves of nothing.
fn length(json: &str) -> Option<usize> {
    let text = json.strip_prefix('"')?.strip_suffix('"')?.as_bytes();
    let mut bytes = text.len();
    let mut escaped = None;
    for at in memchr::memchr_iter(b'\\', text) {
        if escaped == Some(at) {
            continue;
        }
        // Every other escape is two characters for one of ASCII.
        if text.get(at + 1) == Some(&b'u') {
            return None;
        }
        bytes -= 1;
        escaped = Some(at + 1);
    }
    Some(bytes)
}

impl<'de> Deserialize<'de> for JsonString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        if let Some(bytes) = length(json.get()) {
            return Ok(Self { json, bytes });
        }
        let text: String = serde_json::from_str(json.get()).map_err(D::Error::custom)?;
        Ok(Self::new(&text))
    }
}

impl Serialize for JsonString {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl PartialEq for JsonString {
    fn eq(&self, other: &Self) -> bool {
        self.json.get() == other.json.get()
    }
}

impl Eq for JsonString {}

/// Descriptions and addresses are nobody's but their readers'.
impl fmt::Debug for JsonString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonString({} bytes)", self.bytes)
    }
}

impl JsonSchema for JsonString {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        String::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<JsonString, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn it_goes_out_as_it_came_in() {
        for json in [
            r#""""#,
            r#""v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n""#,
            r#""\"\\\/\b\f\n\r\t""#,
            r#""\\u00e9 is no escape, and é is none""#,
        ] {
            let string = read(json).unwrap();
            assert_eq!(serde_json::to_string(&string).unwrap(), json);
            let text: String = serde_json::from_str(json).unwrap();
            assert_eq!(
                (string.bytes(), string.text()),
                (text.len(), text),
                "{json}"
            );
            assert_eq!(string.json_bytes(), json.len());
        }
    }

    #[test]
    fn characters_by_their_numbers_are_read_and_written_anew() {
        let string = read(r#""\u0041\ud83d\ude00\u0007""#).unwrap();
        assert_eq!(string, JsonString::new("A😀\u{7}"));
        assert_eq!(string.bytes(), 6);
    }

    #[test]
    fn what_is_no_string_is_refused() {
        for json in [
            "5",
            "null",
            "{}",
            r#"["x"]"#,
            r#""\ud83d""#,
            r#""\ude00\ud83d""#,
            "\"\n\"",
            r#""\x""#,
            r#"""#,
        ] {
            let refused = read(json).unwrap_err().to_string();
            let by_a_string = serde_json::from_str::<String>(json).unwrap_err();
            let sentence = |error: &str| error.split(" at line ").next().unwrap().to_owned();
            if json.len() > 2 || json == "5" {
                assert_eq!(sentence(&refused), sentence(&by_a_string.to_string()));
            }
        }
    }
}
