//! A defensive reading of session descriptions (RFC 8866, RFC 8829).
//!
//! Every description from outside passes [`Description::parse`] before the WebRTC crate sees it, so what could
//! hurt is refused here with a sentence. The same reader takes from negotiated descriptions what forwarding has
//! to know: payload types, repair payload types and header extensions by m-line.

use std::collections::HashSet;

use crate::protocol::object::MediaKind;

/// A larger description is refused.
pub(super) const MAX_SDP_BYTES: usize = 256 * 1024;
/// More m-lines are refused: what we offer ourselves at most, 8 sounds and 25 pictures.
const MAX_SECTIONS: usize = 33;
/// More candidates are refused; one that is repeated in every m-line counts once.
const MAX_CANDIDATES: usize = 64;
/// More lines are refused.
const MAX_LINES: usize = 8192;
/// A longer line is refused.
const MAX_LINE_BYTES: usize = 4096;
/// More encodings, SSRC lines or simulcast layers in one m-line are refused.
const MAX_CODECS: usize = 128;
const MAX_SSRC_LINES: usize = 64;
const MAX_RIDS: usize = 8;
/// Longer mids and rids are refused: they travel in one-byte header extensions (RFC 8285 §4.2).
const MAX_TAG_BYTES: usize = 16;

/// Why a description is refused.
pub(super) type Refusal = &'static str;

/// One description, as far as forwarding has to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Description {
    /// Which connection of whoever wrote it this describes.
    pub origin: Origin,
    /// Its m-lines in order.
    pub sections: Vec<Section>,
    /// Whether it brings candidates of its own.
    pub has_candidates: bool,
    /// Whether whoever wrote it only answers checks (RFC 8445 §2.5).
    pub is_lite: bool,
}

/// By what descriptions of one connection are told from those of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// The ICE user name fragment (RFC 8839 §5.4) of the transport; all m-lines share one (BUNDLE).
    pub ufrag: String,
    /// The certificate's fingerprint (RFC 8122 §5): whose DTLS endpoint this is.
    pub fingerprint: String,
    /// The session's id (RFC 8866 §5.2).
    session: String,
    /// The SSRCs that it declares.
    ssrcs: HashSet<u32>,
}

impl Origin {
    /// Whether this later description is of the same connection, as far as that can be told. One certificate may
    /// serve many connections (RFC 8122 §5), and a restart of ICE changes the user name fragment (RFC 8445 §9).
    pub fn is_same(&self, later: &Self) -> bool {
        if self.fingerprint != later.fingerprint {
            return false;
        }
        let same_streams = if self.ssrcs.is_empty() || later.ssrcs.is_empty() {
            self.session == later.session
        } else {
            !self.ssrcs.is_disjoint(&later.ssrcs)
        };
        self.ufrag == later.ufrag || same_streams
    }
}

/// One m-line and its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    /// Its identification tag (RFC 5888 §4).
    pub mid: String,
    /// Sound or picture.
    pub kind: MediaKind,
    /// Whether media flows on it from whoever wrote the description.
    pub sends: bool,
    /// Whether it declares its streams, by SSRC or as simulcast layers.
    pub declares_streams: bool,
    /// Whether it names the track that it sends (RFC 8830).
    pub names_track: bool,
    /// Port 0: refused or given up.
    pub rejected: bool,
    /// Its encodings in order of preference; repair formats are folded into `repair`.
    pub codecs: Vec<Codec>,
    /// Its header extensions (RFC 8285 §5) by id.
    pub extensions: Vec<(u8, String)>,
}

/// One encoding of an m-line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Codec {
    /// Its payload type.
    pub payload_type: u8,
    /// Its name (RFC 4855), `VP8` say; those that are known in their registered spelling.
    pub name: String,
    /// In Hertz.
    pub clock_rate: u32,
    /// Its format parameters.
    pub fmtp: String,
    /// The payload type of its retransmissions (RFC 4588), if negotiated.
    pub repair: Option<u8>,
}

impl Codec {
    /// The value of a format parameter.
    pub fn parameter(&self, key: &str) -> Option<&str> {
        self.fmtp.split(';').find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            name.eq_ignore_ascii_case(key).then_some(value)
        })
    }
}

impl Section {
    /// The id of a negotiated header extension.
    pub fn extension(&self, uri: &str) -> Option<u8> {
        self.extensions
            .iter()
            .find(|(_, known)| known == uri)
            .map(|(id, _)| *id)
    }
}

impl Description {
    /// Reads a description.
    ///
    /// # Errors
    /// A sentence that says why it cannot be used.
    pub fn parse(sdp: &str) -> Result<Self, Refusal> {
        if sdp.len() > MAX_SDP_BYTES {
            return Err("The description is larger than 256 KiB.");
        }
        if !sdp.starts_with("v=0") {
            return Err("The description does not begin with v=0.");
        }
        let mut reader = Reader::default();
        for (count, line) in sdp.lines().enumerate() {
            if count >= MAX_LINES || line.len() > MAX_LINE_BYTES {
                return Err("The description has too many lines, or one too long.");
            }
            reader.line(line)?;
        }
        reader.finish()
    }

    /// The m-line of that name.
    pub fn section(&self, mid: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.mid == mid)
    }
}

/// The same description without its candidates.
///
/// The server never sends to an address because a description named it, only to one that proved by a connectivity
/// check that it knows the session's password: so it cannot be made to scan or flood others.
pub(super) fn without_candidates(sdp: &str) -> String {
    let mut kept = String::with_capacity(sdp.len());
    for line in sdp.lines().filter(|line| !line.starts_with("a=candidate:")) {
        kept.push_str(line);
        kept.push_str("\r\n");
    }
    kept
}

/// The same description with this as its session's version, which must rise with every description of a session
/// (RFC 8866 §5.2); the crate draws one by lot each time.
pub(super) fn with_version(sdp: &str, version: u64) -> String {
    let mut lines: Vec<String> = sdp.lines().map(str::to_owned).collect();
    if let Some(origin) = lines.iter_mut().find(|line| line.starts_with("o=")) {
        let mut words: Vec<&str> = origin.split(' ').collect();
        let version = version.to_string();
        if let Some(word) = words.get_mut(2) {
            *word = &version;
        }
        *origin = words.join(" ");
    }
    lines.push(String::new());
    lines.join("\r\n")
}

/// The same description with a direction in every m-line: one without has that of the session, or else `sendrecv`
/// (RFC 8866 §6.7). The crate passes over m-lines that have none.
pub(super) fn with_directions(sdp: &str) -> String {
    let mut of_session = "a=sendrecv";
    let mut lines: Vec<&str> = Vec::new();
    let (mut in_section, mut directed) = (false, false);
    for line in sdp.lines() {
        if line.starts_with("m=") {
            if in_section && !directed {
                lines.push(of_session);
            }
            (in_section, directed) = (true, false);
        } else if is_direction(line) {
            directed = true;
            if !in_section {
                of_session = line;
            }
        }
        lines.push(line);
    }
    if in_section && !directed {
        lines.push(of_session);
    }
    lines.push("");
    lines.join("\r\n")
}

fn is_direction(line: &str) -> bool {
    let directions = ["a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"];
    directions.contains(&line)
}

/// The same description with its candidates in every m-line, as some clients look only at those of the m-line
/// whose transport they keep (RFC 8843 §7.1 leaves it open), and without those for RTCP, which always shares the
/// port (RFC 8843 §9.3).
pub(super) fn with_candidates_everywhere(sdp: &str) -> String {
    let is_candidate = |line: &&str| line.starts_with("a=candidate:");
    let of_rtp = |line: &&str| line.split(' ').nth(1) == Some("1");
    let mut candidates: Vec<&str> = Vec::new();
    for line in sdp.lines().filter(is_candidate).filter(of_rtp) {
        if !candidates.contains(&line) {
            candidates.push(line);
        }
    }
    candidates.push("a=end-of-candidates");
    let mut lines: Vec<&str> = Vec::new();
    let mut in_section = false;
    let rest = |line: &&str| !is_candidate(line) && *line != "a=end-of-candidates";
    for line in sdp.lines().filter(rest) {
        if line.starts_with("m=") {
            if in_section {
                lines.extend(&candidates);
            }
            in_section = true;
        }
        lines.push(line);
    }
    lines.extend(&candidates);
    lines.push("");
    lines.join("\r\n")
}

#[derive(Default)]
struct Reader {
    ufrag: Option<String>,
    fingerprint: Option<String>,
    has_password: bool,
    is_lite: bool,
    /// No m-line sends that does not say so.
    silent: bool,
    session: String,
    ssrcs: HashSet<u32>,
    candidates: HashSet<String>,
    done: Vec<Section>,
    open: Option<OpenSection>,
}

struct OpenSection {
    mid: Option<String>,
    kind: MediaKind,
    sends: bool,
    rejected: bool,
    formats: Vec<u8>,
    maps: Vec<(u8, String, u32)>,
    fmtps: Vec<(u8, String)>,
    extensions: Vec<(u8, String)>,
    ssrc_lines: usize,
    rids: usize,
    names_track: bool,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), Refusal> {
        if let Some(rest) = line.strip_prefix("m=") {
            self.close()?;
            if self.done.len() >= MAX_SECTIONS {
                return Err("The description has too many m-lines.");
            }
            self.open = Some(OpenSection::begin(rest, !self.silent)?);
            return Ok(());
        }
        if let Some(origin) = line.strip_prefix("o=") {
            let session = origin.split_ascii_whitespace().nth(1);
            self.session = session.unwrap_or_default().to_owned();
        }
        let Some(attribute) = line.strip_prefix("a=") else {
            return Ok(());
        };
        let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
        match name {
            "ice-ufrag" => return self.ufrag(value),
            "ice-pwd" => {
                self.has_password = true;
                return if value.trim().is_empty() {
                    Err("The ICE password is empty.")
                } else {
                    Ok(())
                };
            }
            "fingerprint" => {
                let value = value.trim().to_ascii_lowercase();
                if !value.contains(' ') {
                    return Err("The fingerprint names no hash.");
                }
                self.fingerprint.get_or_insert(value);
            }
            // How many there may be is checked by the m-line.
            "ssrc" => {
                let ssrc = value.split_ascii_whitespace().next();
                self.ssrcs
                    .extend(ssrc.and_then(|ssrc| ssrc.parse::<u32>().ok()));
            }
            "ice-lite" => self.is_lite = true,
            "recvonly" | "inactive" if self.open.is_none() => self.silent = true,
            "candidate" => {
                self.candidates.insert(value.to_owned());
                if self.candidates.len() > MAX_CANDIDATES {
                    return Err("The description has more than 64 candidates.");
                }
            }
            _ => {}
        }
        self.open
            .as_mut()
            .map_or(Ok(()), |section| section.attribute(name, value))
    }

    fn ufrag(&mut self, value: &str) -> Result<(), Refusal> {
        let value = value.trim();
        // RFC 8839 §5.4: 4 to 256 ice-chars.
        if !(4..=256).contains(&value.len()) || !value.bytes().all(is_ice_char) {
            return Err("The ICE user name fragment is malformed.");
        }
        self.ufrag.get_or_insert_with(|| value.to_owned());
        Ok(())
    }

    fn close(&mut self) -> Result<(), Refusal> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let section = open.finish()?;
        if self.done.iter().any(|other| other.mid == section.mid) {
            return Err("Two m-lines have the same mid.");
        }
        self.done.push(section);
        Ok(())
    }

    fn finish(mut self) -> Result<Description, Refusal> {
        self.close()?;
        if self.done.is_empty() {
            return Err("The description has no m-line.");
        }
        if !self.has_password {
            return Err("The description has no ICE password.");
        }
        let origin = Origin {
            ufrag: self
                .ufrag
                .ok_or("The description has no ICE user name fragment.")?,
            fingerprint: self
                .fingerprint
                .ok_or("The description has no DTLS fingerprint.")?,
            session: self.session,
            ssrcs: self.ssrcs,
        };
        Ok(Description {
            origin,
            has_candidates: !self.candidates.is_empty(),
            is_lite: self.is_lite,
            sections: self.done,
        })
    }
}

impl OpenSection {
    fn begin(rest: &str, sends: bool) -> Result<Self, Refusal> {
        let mut words = rest.split_ascii_whitespace();
        let kind = match words.next() {
            Some("audio") => MediaKind::Audio,
            Some("video") => MediaKind::Video,
            _ => return Err("Only audio and video m-lines are taken."),
        };
        let port: u16 = words
            .next()
            .and_then(|port| port.parse().ok())
            .ok_or("An m-line has no port.")?;
        if !words
            .next()
            .is_some_and(|proto| proto.contains("RTP/SAVPF"))
        {
            return Err("An m-line is not RTP/SAVPF.");
        }
        let formats: Result<Vec<u8>, _> = words.map(str::parse).collect();
        let formats = formats.map_err(|_| "An m-line names a payload type that is none.")?;
        if formats.len() > MAX_CODECS || formats.iter().any(|format| *format > 127) {
            return Err("An m-line names too many payload types, or one beyond 127.");
        }
        Ok(Self {
            mid: None,
            kind,
            sends,
            rejected: port == 0,
            formats,
            maps: Vec::new(),
            fmtps: Vec::new(),
            extensions: Vec::new(),
            ssrc_lines: 0,
            rids: 0,
            names_track: false,
        })
    }

    fn attribute(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        match name {
            "mid" => {
                if self.mid.is_some() || !is_tag(value.trim()) {
                    return Err("An m-line has two mids, or a malformed one.");
                }
                self.mid = Some(value.trim().to_owned());
            }
            "sendonly" | "sendrecv" => self.sends = true,
            "recvonly" | "inactive" => self.sends = false,
            "msid" => self.names_track = true,
            "rtpmap" => self.map(value)?,
            "fmtp" => {
                let (format, parameters) = numbered(value).ok_or("An a=fmtp line is malformed.")?;
                if self.fmtps.len() >= MAX_CODECS {
                    return Err("An m-line has too many a=fmtp lines.");
                }
                self.fmtps.push((format, parameters.to_owned()));
            }
            "extmap" => self.extension(value)?,
            "ssrc" | "ssrc-group" => {
                self.ssrc_lines += 1;
                if self.ssrc_lines > MAX_SSRC_LINES {
                    return Err("An m-line has too many SSRC lines.");
                }
            }
            "rid" => {
                self.rids += 1;
                let id = value.split_ascii_whitespace().next().unwrap_or_default();
                if self.rids > MAX_RIDS || !is_tag(id) {
                    return Err("An m-line has too many rids, or a malformed one.");
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn map(&mut self, value: &str) -> Result<(), Refusal> {
        let malformed = "An a=rtpmap line is malformed.";
        let (format, encoding) = numbered(value).ok_or(malformed)?;
        let mut parts = encoding.split('/');
        let name = parts
            .next()
            .filter(|name| is_token(name, 64))
            .ok_or(malformed)?;
        let clock: u32 = parts
            .next()
            .and_then(|clock| clock.trim().parse().ok())
            .ok_or(malformed)?;
        if clock == 0 || self.maps.len() >= MAX_CODECS {
            return Err(malformed);
        }
        self.maps.push((format, name.to_owned(), clock));
        Ok(())
    }

    fn extension(&mut self, value: &str) -> Result<(), Refusal> {
        let malformed = "An a=extmap line is malformed.";
        let (id, uri) = value.split_once(' ').ok_or(malformed)?;
        // The id may carry a direction: `3/sendonly`.
        let id: u8 = id
            .split('/')
            .next()
            .and_then(|id| id.parse().ok())
            .ok_or(malformed)?;
        // RFC 8285 §5: 0 is padding, 15 reserved, and what lies beyond needs two-byte headers.
        if !(1..=255).contains(&id) || self.extensions.len() >= 64 {
            return Err(malformed);
        }
        let uri = uri.split_ascii_whitespace().next().ok_or(malformed)?;
        self.extensions.push((id, uri.to_owned()));
        Ok(())
    }

    fn finish(self) -> Result<Section, Refusal> {
        let mid = self.mid.clone().ok_or("An m-line has no mid.")?;
        let repairs = self.repairs();
        let codecs = self.formats.iter().filter_map(|format| {
            let (_, name, clock_rate) = self.maps.iter().find(|(known, ..)| known == format)?;
            if [
                "rtx",
                "red",
                "ulpfec",
                "flexfec-03",
                "telephone-event",
                "cn",
            ]
            .iter()
            .any(|other| name.eq_ignore_ascii_case(other))
            {
                return None;
            }
            let fmtp = self.fmtp(*format).unwrap_or_default().to_owned();
            let repair = repairs
                .iter()
                .find(|(_, repaired)| repaired == format)
                .map(|(repair, _)| *repair);
            Some(Codec {
                payload_type: *format,
                name: registered_name(name).to_owned(),
                clock_rate: *clock_rate,
                fmtp,
                repair,
            })
        });
        Ok(Section {
            codecs: codecs.collect(),
            mid,
            kind: self.kind,
            sends: self.sends,
            declares_streams: self.ssrc_lines + self.rids > 0,
            names_track: self.names_track,
            rejected: self.rejected,
            extensions: self.extensions,
        })
    }

    fn fmtp(&self, format: u8) -> Option<&str> {
        self.fmtps
            .iter()
            .find(|(known, _)| *known == format)
            .map(|(_, parameters)| parameters.as_str())
    }

    /// (repair payload type, repaired payload type).
    fn repairs(&self) -> Vec<(u8, u8)> {
        let rtx = self.maps.iter().filter(|(format, name, _)| {
            name.eq_ignore_ascii_case("rtx") && self.formats.contains(format)
        });
        rtx.filter_map(|(format, ..)| {
            let repaired = self
                .fmtp(*format)?
                .split(';')
                .find_map(|pair| pair.trim().strip_prefix("apt="))?;
            Some((*format, repaired.trim().parse().ok()?))
        })
        .collect()
    }
}

/// Names are the same in every case (RFC 4855 §3); clients are told the registered one.
fn registered_name(name: &str) -> &str {
    let registered = ["opus", "VP8", "VP9", "H264", "AV1"];
    let known = registered
        .iter()
        .find(|known| known.eq_ignore_ascii_case(name));
    known.copied().unwrap_or(name)
}

/// `96 rest` as (96, "rest").
fn numbered(value: &str) -> Option<(u8, &str)> {
    let (number, rest) = value.trim().split_once(' ')?;
    Some((
        number.parse().ok().filter(|number| *number <= 127)?,
        rest.trim(),
    ))
}

fn is_ice_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || byte == b'+'
        || byte == b'/'
        || byte == b'-'
        || byte == b'_'
        || byte == b'='
}

fn is_tag(value: &str) -> bool {
    is_token(value, MAX_TAG_BYTES)
}

/// RFC 8866 §9: a token, here of bounded length.
fn is_token(value: &str, longest: usize) -> bool {
    let fits = (1..=longest).contains(&value.len());
    fits && value
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n\
        a=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\na=mid:0\r\n\
        a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level vad=on\r\na=sendonly\r\n\
        a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96 97 102\r\na=mid:1\r\na=sendonly\r\na=rtpmap:96 VP8/90000\r\n\
        a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtpmap:102 H264/90000\r\n\
        a=fmtp:102 packetization-mode=1;profile-level-id=42e01f\r\na=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n";

    #[test]
    fn what_forwarding_must_know_is_read() {
        let description = Description::parse(OFFER).unwrap();
        assert_eq!(description.origin.ufrag, "abcd");
        assert!(description.has_candidates && !description.is_lite);
        let lite = OFFER.replace("a=group", "a=ice-lite\r\na=group");
        assert!(Description::parse(&lite).unwrap().is_lite);
        let [audio, video] = description.sections.as_slice() else {
            panic!("two m-lines")
        };
        assert_eq!(
            (audio.kind, audio.codecs.len(), audio.codecs[0].clock_rate),
            (MediaKind::Audio, 1, 48_000)
        );
        assert_eq!(
            audio.extension("urn:ietf:params:rtp-hdrext:ssrc-audio-level"),
            Some(1)
        );
        assert_eq!(
            (video.codecs[0].name.as_str(), video.codecs[0].repair),
            ("VP8", Some(97))
        );
        assert_eq!(
            video.codecs[1].parameter("profile-level-id"),
            Some("42e01f")
        );
        assert_eq!(video.codecs[1].repair, None);
    }

    #[test]
    fn one_certificate_may_serve_many_connections() {
        let first = "o=- 1 2 IN";
        let stream = |ssrc: u32| format!("a=mid:0\r\na=ssrc:{ssrc} cname:a");
        let with = |session: &str, ufrag: &str, mid: &str| {
            let sdp = OFFER.replace(first, session).replace("abcd", ufrag);
            let sdp = sdp.replace("a=mid:0", mid);
            Description::parse(&sdp).unwrap().origin
        };
        let known = with(first, "abcd", &stream(7));
        let bare = with(first, "abcd", "a=mid:0");
        let stranger = OFFER.replace("AA:BB", "AA:CC");
        let stranger = Description::parse(&stranger).unwrap().origin;
        // Changed again, restarted, restarted without naming its streams.
        assert!(known.is_same(&with("o=- 1 3 IN", "abcd", &stream(8))));
        assert!(known.is_same(&with("o=- 9 3 IN", "efgh", &stream(7))));
        assert!(known.is_same(&with("o=- 1 3 IN", "efgh", "a=mid:0")));
        assert!(bare.is_same(&with("o=- 1 3 IN", "efgh", &stream(8))));
        // Other streams, another session, another certificate.
        assert!(!known.is_same(&with("o=- 1 3 IN", "efgh", &stream(8))));
        assert!(!bare.is_same(&with("o=- 2 3 IN", "efgh", "a=mid:0")));
        assert!(!bare.is_same(&stranger));
    }

    #[test]
    fn candidates_are_cut_out() {
        let kept = without_candidates(OFFER);
        assert!(!kept.contains("candidate"));
        assert_eq!(
            Description::parse(&kept).unwrap().sections,
            Description::parse(OFFER).unwrap().sections
        );
    }

    #[test]
    fn an_m_line_without_a_direction_has_the_sessions_or_sends_and_receives() {
        assert_eq!(with_directions(OFFER), OFFER);
        let bare = OFFER.replace("a=sendonly\r\n", "");
        let of_session =
            |direction: &str| bare.replace("a=group", &format!("a={direction}\r\na=group"));
        let count = |sdp: &str, direction: &str| {
            with_directions(sdp)
                .matches(&format!("a={direction}\r\n"))
                .count()
        };
        assert_eq!(count(&bare, "sendrecv"), 2);
        assert_eq!(count(&of_session("recvonly"), "recvonly"), 3);
        assert_eq!(count(&of_session("sendonly"), "sendrecv"), 0);
        let sends = |sdp: &str| {
            let description = Description::parse(sdp).unwrap();
            description.sections.iter().all(|section| section.sends)
        };
        assert!(sends(&bare) && sends(&with_directions(&bare)));
        for direction in ["recvonly", "inactive"] {
            let silent = of_session(direction);
            assert!(!sends(&silent) && !sends(&with_directions(&silent)));
        }
        let but_one = of_session("inactive").replace("a=mid:", "a=sendrecv\r\na=mid:");
        assert!(sends(&but_one));
    }

    #[test]
    fn a_version_stands_in_the_origin() {
        let told = with_version(OFFER, 7);
        assert_eq!(told, OFFER.replace("o=- 1 2 IN", "o=- 1 7 IN"));
        assert_eq!(with_version("v=0\r\no=x\r\n", 7), "v=0\r\no=x\r\n");
    }

    #[test]
    fn an_encoding_is_spelt_as_it_is_registered() {
        for (written, name) in [("vp8", "VP8"), ("h264", "H264"), ("X-Own", "X-Own")] {
            let offer = OFFER.replace("VP8", written);
            let description = Description::parse(&offer).unwrap();
            assert_eq!(description.sections[1].codecs[0].name, name);
        }
    }

    #[test]
    fn candidates_stand_in_every_m_line_once() {
        let offer = OFFER.replace(
            "a=candidate:1 1",
            "a=candidate:1 2 udp 1 127.0.0.1 9 typ host\r\na=candidate:1 1",
        );
        let spread = with_candidates_everywhere(&offer);
        let audio = spread.find("m=audio").unwrap();
        let video = spread.find("m=video").unwrap();
        for part in [&spread[audio..video], &spread[video..]] {
            assert_eq!(
                part.matches("a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n")
                    .count(),
                1
            );
            assert_eq!(part.matches("a=candidate").count(), 1);
            assert!(part.ends_with("a=end-of-candidates\r\n"));
        }
        assert_eq!(with_candidates_everywhere(&spread), spread);
        let sections = |sdp: &str| Description::parse(sdp).unwrap().sections;
        assert_eq!(sections(&spread), sections(OFFER));
    }

    #[test]
    fn hostile_descriptions_are_refused() {
        let many_sections: String = (0..33)
            .map(|n| format!("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:{n}\r\n"))
            .collect();
        let many_candidates: String = (0..65)
            .map(|n| format!("a=candidate:1 1 udp 1 1.1.1.{n} 9 typ host\r\n"))
            .collect();
        let table = [
            String::new(),
            "v=0".to_owned(),
            "x".repeat(300_000),
            format!("v=0\r\n{}", "x".repeat(300_000)),
            format!("v=0\r\na={}", "x".repeat(5000)),
            format!("{OFFER}{many_sections}"),
            format!("{OFFER}{}", many_candidates),
            format!("{OFFER}{}", "a=x\r\n".repeat(9000)),
            format!("{OFFER}{}", "a=ssrc:1 cname:a\r\n".repeat(100)),
            format!("{OFFER}{}", "a=rid:q send\r\n".repeat(20)),
            OFFER.replace("a=mid:1", "a=mid:0"),
            OFFER.replace("a=mid:1\r\n", ""),
            OFFER.replace("a=mid:1", "a=mid:seventeen-letters"),
            OFFER.replace("a=ice-ufrag:abcd\r\n", ""),
            OFFER.replace("abcd", "a b"),
            OFFER.replace("a=ice-pwd:0123456789012345678901\r\n", ""),
            OFFER.replace("a=fingerprint:sha-256 AA:BB\r\n", ""),
            OFFER.replace("sha-256 AA:BB", "x"),
            OFFER.replace("m=video", "m=application"),
            OFFER.replace("m=video 9", "m=video 99999"),
            OFFER.replace("UDP/TLS/RTP/SAVPF 96", "RTP/AVP 96"),
            OFFER.replace("SAVPF 96 97 102", "SAVPF 96 97 900"),
            OFFER.replace("a=rtpmap:96 VP8/90000", "a=rtpmap:96 VP8/0"),
            OFFER.replace("a=rtpmap:96 VP8/90000", "a=rtpmap:96"),
            OFFER.replace("a=extmap:1 ", "a=extmap:0 "),
            OFFER.replace("a=extmap:1 ", "a=extmap:"),
        ];
        for sdp in &table {
            assert!(
                Description::parse(sdp).is_err(),
                "{}",
                &sdp[..sdp.len().min(2000)]
            );
        }
    }

    #[test]
    fn no_cut_of_an_offer_panics() {
        for end in 0..OFFER.len() {
            let _ = Description::parse(&OFFER[..end]);
            let _ = Description::parse(&format!("v=0\r\n{}", &OFFER[end..]));
        }
    }
}
