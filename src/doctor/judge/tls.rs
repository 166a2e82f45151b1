//! TLS of the server itself: its certificate on the disk, and the port that redirects to it.

use super::{count, machine};
use crate::doctor::Finding;
use crate::doctor::seen::{Leads, Name, Pair, Redirect, Seen, Source, Stored, Tls};
use crate::secret_file::is_exposed;

const CHECK: &str = "tls";

pub(super) fn judge(seen: &Seen) -> Vec<Finding> {
    let Some(tls) = &seen.tls else {
        return Vec::new();
    };
    let is_running = seen.server.is_some();
    let mut found = vec![match &tls.stored {
        Stored::Missing => missing(tls.source, is_running),
        Stored::Forbidden(why) => forbidden(why, tls.source, is_running),
        Stored::Unusable(why) => Finding::wrong(
            CHECK,
            format!("The certificate cannot be used: {why}."),
            match tls.source {
                Source::Files => {
                    "Give --tls-cert the whole chain and --tls-key the key that it was made for, both in PEM."
                }
                Source::Authority | Source::Own => {
                    "Move this file away and start the server, which gets a new one."
                }
            },
        ),
        Stored::Pair(pair) => self::pair(pair, tls.source),
    }];
    found.extend(key(tls));
    found.extend(
        seen.name
            .as_ref()
            .filter(|_| seen.settings.is_ipv4_alone)
            .and_then(ipv6),
    );
    if tls.is_shown == Some(false) {
        found.push(Finding::note(
            CHECK,
            "The running server shows another certificate than the one on the disk.",
            "Its log says why the new one was not taken; with --tls-cert, SIGHUP reads it again.",
        ));
    }
    found.extend(
        tls.redirect
            .as_ref()
            .and_then(|port| redirect(port, is_running)),
    );
    found
}

fn missing(source: Source, is_running: bool) -> Finding {
    match (source, is_running) {
        (Source::Authority, true) => Finding::wrong(
            CHECK,
            "No certificate has come from the authority yet, so browsers warn of the one that the server shows meanwhile.",
            "See that the name leads here and that TCP port 443 is open from everywhere; the log says what the authority answered.",
        ),
        (Source::Authority, false) => Finding::ok(
            CHECK,
            "There is no certificate yet; the server asks the authority for one when it starts.",
        ),
        (Source::Own, _) => Finding::ok(CHECK, "There is no certificate yet; the server makes it."),
        (Source::Files, _) => Finding::wrong(
            CHECK,
            "There is nothing at --tls-cert or --tls-key, so the server does not start.",
            "Name the files with the certificate's chain and with its key.",
        ),
    }
}

fn forbidden(why: &str, source: Source, is_running: bool) -> Finding {
    let sentence = format!("This user may not read the certificate or its key: {why}.");
    if source == Source::Files && !is_running {
        return Finding::wrong(
            CHECK,
            sentence,
            "Let the server's user read both files; with systemd, LoadCredential= of the service hands them over.",
        );
    }
    Finding::note(
        CHECK,
        sentence,
        "Run the doctor as the server's user, or as root.",
    )
}

fn pair(pair: &Pair, source: Source) -> Finding {
    let renew = match source {
        Source::Authority => {
            "See that the name leads here and that TCP port 443 is open from everywhere; the log says what the authority answered."
        }
        Source::Files => "Renew it, and see why it was not renewed by itself.",
        Source::Own => "Start the server, which makes a new one.",
    };
    if pair.days_left < 0 {
        return Finding::wrong(CHECK, "The certificate on the disk is over.", renew);
    }
    if pair.is_early {
        let sentence = "The time of the certificate on the disk has not begun.";
        return Finding::wrong(CHECK, sentence, "Set this machine's clock.");
    }
    let days = count(usize::try_from(pair.days_left).unwrap_or_default(), "day");
    if let Some(name) = &pair.lacks {
        return Finding::wrong(
            CHECK,
            format!("The certificate on the disk is not for {name}, so browsers refuse it."),
            match source {
                Source::Files => "Get one for this name.",
                Source::Authority | Source::Own => "Start the server, which gets a new one.",
            },
        );
    }
    if pair.is_late {
        let sentence = format!(
            "The certificate on the disk holds for {days} more and should have been renewed."
        );
        return Finding::note(CHECK, sentence, renew);
    }
    if pair.is_self_signed {
        return Finding::note(
            CHECK,
            format!(
                "The certificate has signed itself and holds for {days}: each person's browser asks whether to trust it."
            ),
            "That is right in a local network; for others use --domain.",
        );
    }
    Finding::ok(
        CHECK,
        format!("The certificate on the disk belongs to its key and holds for {days}."),
    )
}

fn key(tls: &Tls) -> Option<Finding> {
    let mode = tls.key_mode?;
    is_exposed(mode).then(|| {
        Finding::wrong(
            CHECK,
            format!(
                "Others may read or change the certificate's private key, so the server does not start with it: its file has the mode {mode:04o}."
            ),
            format!("chmod 0600 {}", tls.key),
        )
    })
}

/// Reports an IPv6 address of the name if the server listens on IPv4 only and no proxy is in front.
fn ipv6(name: &Name) -> Option<Finding> {
    let addresses = name.addresses.as_ref().ok()?;
    let address = addresses.iter().find(|address| address.is_ipv6())?;
    Some(Finding::note(
        "name",
        format!(
            "The name {} leads to {address} too, and the server listens on IPv4 alone, so some browsers try in vain first.",
            name.host
        ),
        "Listen on both, such as --listen [::]:443, or take the AAAA record away.",
    ))
}

fn redirect(redirect: &Redirect, is_running: bool) -> Option<Finding> {
    let (check, port) = ("redirect", redirect.port);
    if !is_running {
        return machine::port(&format!("TCP port {port}"), &redirect.how, false);
    }
    // Only the server knows the number of the port.
    if port == 0 {
        return None;
    }
    Some(match redirect.leads {
        Leads::Here => Finding::ok(check, format!("TCP port {port} leads from http to https.")),
        Leads::Elsewhere(status) => Finding::note(
            check,
            format!(
                "TCP port {port} answers with status {status} and does not lead to this server's https."
            ),
            "Another program has it: let that one redirect, or end it and start the server anew.",
        ),
        Leads::Nowhere => Finding::note(
            check,
            format!(
                "Nothing answers at TCP port {port}, so a person who types the name without https:// may find nothing."
            ),
            "Let the server have the port (meeting-http.socket, or CAP_NET_BIND_SERVICE), or say --http-port off.",
        ),
    })
}
