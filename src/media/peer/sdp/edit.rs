//! Changes to the descriptions that the WebRTC crate makes.

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
