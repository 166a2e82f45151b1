//! The half of the page: the findings of a browser elsewhere.

use crate::doctor::Finding;
use crate::doctor::seen::Seen;
use crate::protocol::check_report::{CheckReport, Verdict, WayResult};

pub(super) fn judge(seen: &Seen) -> Vec<Finding> {
    let Some(code) = &seen.code else {
        return Vec::new();
    };
    match &seen.page {
        Some(report) => vec![verdict(report), ways(report)],
        None => vec![Finding::wrong(
            "page",
            format!("The running server knows no verdict with the code {code}."),
            "A code holds for an hour and until the server restarts: open /check again, and give the new one.",
        )],
    }
}

fn verdict(report: &CheckReport) -> Finding {
    let check = "page";
    let why = match &report.failed {
        Some(code) => format!(" ({code})"),
        None => String::new(),
    };
    match report.verdict {
        Verdict::Good => Finding::ok(check, "The browser is ready for a meeting."),
        Verdict::Weak => Finding::note(
            check,
            "The browser is ready for a meeting, with a weak spot.",
            "Its line is slow or loses packets; a cable instead of Wi-Fi usually helps.",
        ),
        Verdict::Sound => Finding::note(
            check,
            "Sound came back to the browser, and pictures did not.",
            "Its line is narrow, or its machine is busy: join without camera.",
        ),
        Verdict::Silent => Finding::wrong(
            check,
            "The browser connected, and neither sound nor picture came back.",
            "Try another browser; if it is the same there, the server's log of that time says more.",
        ),
        Verdict::Blocked => Finding::wrong(
            check,
            "The browser found no way for sound and picture.",
            "See the ways below, and open the port of one of them between that network and this server.",
        ),
        Verdict::Unreachable => Finding::wrong(
            check,
            format!("The page came to the browser, and no WebSocket did{why}."),
            "A proxy on the way takes the upgrade away: the findings `websocket` and `proxy` above tell whether it is yours.",
        ),
        Verdict::Guests => Finding::note(
            check,
            "The browser reached the server, which takes no guests, so no more was measured.",
            "Sign in there and check again.",
        ),
        Verdict::Unfinished => Finding::note(
            check,
            format!("The browser's check did not finish{why}."),
            "Check again in a moment.",
        ),
    }
}

fn ways(report: &CheckReport) -> Finding {
    let check = "page";
    let [good, bad] = [WayResult::Ok, WayResult::Failed].map(|result| report.ways_that(result));
    match (good.is_empty(), bad.is_empty()) {
        (true, true) => Finding::note(
            check,
            "The browser tried no way for sound and picture by itself.",
            "Open /check there and let it come to its end.",
        ),
        (false, true) => Finding::ok(
            check,
            format!("From the browser these ways are open: {}.", good.join(", ")),
        ),
        (false, false) => Finding::note(
            check,
            format!(
                "From the browser these ways are open: {}; and these are not: {}.",
                good.join(", "),
                bad.join(", ")
            ),
            "One open way is enough; UDP is the best one.",
        ),
        (true, false) => Finding::wrong(
            check,
            format!(
                "From the browser none of these ways is open: {}.",
                bad.join(", ")
            ),
            "A firewall there, or before this server, blocks them: open the media port, for UDP and for TCP.",
        ),
    }
}
