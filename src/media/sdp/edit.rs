//! Changes to descriptions on their way to the WebRTC crate and from it.

use super::Foreign;

/// The same description without its candidates.
///
/// The server never sends to an address because a description named it, only to one that proved by a connectivity
/// check that it knows the session's password: so it cannot be made to scan or flood others.
pub(in crate::media) fn without_candidates(sdp: &str) -> String {
    let mut kept = String::with_capacity(sdp.len());
    for line in sdp.lines().filter(|line| !line.starts_with("a=candidate:")) {
        kept.push_str(line);
        kept.push_str("\r\n");
    }
    kept
}

/// The same description without its foreign m-lines, of which bundles (RFC 9143 §7.2) know nothing either then.
pub(in crate::media) fn without_foreign(sdp: &str, foreign: &[Foreign]) -> String {
    if foreign.is_empty() {
        return sdp.to_owned();
    }
    let is_kept = |mid: &&str| foreign.iter().all(|section| section.mid != *mid);
    let mut kept = String::with_capacity(sdp.len());
    let mut sections = 0;
    let mut cut = false;
    for line in sdp.lines() {
        if line.starts_with("m=") {
            cut = foreign.iter().any(|section| section.index == sections);
            sections += 1;
        }
        if cut {
            continue;
        }
        if line.starts_with("a=group:") {
            let words: Vec<&str> = line.split(' ').filter(is_kept).collect();
            kept.push_str(&words.join(" "));
        } else {
            kept.push_str(line);
        }
        kept.push_str("\r\n");
    }
    kept
}

/// The same answer with the foreign m-lines of the offer refused in their places.
pub(in crate::media) fn with_refusals(sdp: &str, foreign: &[Foreign]) -> String {
    let mut told = String::with_capacity(sdp.len());
    let mut waiting = foreign.iter().peekable();
    let mut sections = 0;
    let mut refuse = |told: &mut String, sections: &mut usize, all: bool| {
        while let Some(section) = waiting.next_if(|section| all || section.index == *sections) {
            let Foreign {
                mid, media, format, ..
            } = section;
            told.push_str(&format!(
                "m={media} 0 {format}\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\na=mid:{mid}\r\n"
            ));
            *sections += 1;
        }
    };
    for line in sdp.lines() {
        if line.starts_with("m=") {
            refuse(&mut told, &mut sections, false);
            sections += 1;
        }
        told.push_str(line);
        told.push_str("\r\n");
    }
    refuse(&mut told, &mut sections, true);
    told
}

/// The same description with this as its session's version, which must rise with every description of a session
/// (RFC 8866 §5.2); the crate draws one by lot each time.
pub(in crate::media) fn with_version(sdp: &str, version: u64) -> String {
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
pub(in crate::media) fn with_directions(sdp: &str) -> String {
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
pub(in crate::media) fn with_candidates_everywhere(sdp: &str) -> String {
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
