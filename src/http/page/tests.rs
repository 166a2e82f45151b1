use axum::http::header::ACCEPT_ENCODING;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::headers::PAGE_POLICY;
use super::*;

#[test]
fn a_tag_is_known_in_any_place_and_strength() {
    let table = [
        ("W/\"ab\"", true),
        ("\"ab\"", true),
        ("\"x\", W/\"ab\"", true),
        ("*", true),
        ("\"abc\"", false),
    ];
    for (line, expected) in table {
        let headers = HeaderMap::from_iter([(IF_NONE_MATCH, line.parse().unwrap())]);
        assert_eq!(is_known(&headers, "W/\"ab\""), expected, "{line}");
    }
}

#[test]
fn a_name_with_a_mark_is_told_from_every_other() {
    let marked = unmarked("js/later.0123456789ab.js");
    assert_eq!(marked, Some(("js/later.js".to_owned(), "0123456789ab")));
    for other in [
        "js/later.js",
        "js/protocol.d.ts",
        "js/a.0123456789a.js",
        "js/a.0123456789ag.js",
        "README",
    ] {
        assert_eq!(unmarked(other), None, "{other}");
    }
}

#[test]
fn no_name_leads_out_of_the_page() {
    let page = Page::new(BasePath::default());
    for path in [
        "../Cargo.toml",
        "js/../../Cargo.toml",
        "/etc/passwd",
        ".git/config",
        "",
        "js//a",
        "..\\a",
    ] {
        assert!(page.find(path).is_none(), "{path}");
    }
    assert!(page.find(INDEX).is_some());
}

#[test]
fn below_a_path_no_address_of_the_page_begins_at_the_root() {
    let page = Page::new(BasePath::parse("/meet/").unwrap());
    for name in Files::iter().filter(|name| name.ends_with(".html")) {
        let content = page.find(&name).unwrap();
        let html = String::from_utf8(content.content.bytes.to_vec()).unwrap();
        assert!(html.contains("=\"/meet/"), "{name}");
        for part in html.split("=\"/").skip(1) {
            assert!(part.starts_with("meet/"), "{name}: {}", &part[..20]);
        }
    }
}

#[tokio::test]
async fn a_file_is_compressed_once_however_many_ask() {
    let page = Page::new(BasePath::default());
    let asked = HeaderMap::from_iter([(ACCEPT_ENCODING, "gzip".parse().unwrap())]);
    let answers = (0..20).map(|_| page.answer(INDEX, StatusCode::OK, &asked));
    let answers = futures_util::future::join_all(answers).await;
    let zipped = |response: &Response| response.headers().get(CONTENT_ENCODING).cloned();
    assert!(answers.iter().all(|answer| zipped(answer).is_some()));
    assert_eq!(page.0.gzipped.lock().unwrap().len(), 1);
}

/// What the page's head names: every address of its import map and of its links.
fn named_in(html: &str) -> Vec<&str> {
    let addresses = html.split('"').filter_map(|part| part.strip_prefix('/'));
    addresses.filter(|path| path.contains('.')).collect()
}

#[test]
fn what_the_head_names_is_there_and_stays_as_it_is() {
    let page = Page::new(BasePath::default());
    let index = page.find(INDEX).unwrap();
    assert_eq!(index.caching, REVALIDATE);
    let html = String::from_utf8(index.content.bytes.to_vec()).unwrap();
    let named = named_in(&html);
    let marked = named.iter().filter(|path| unmarked(path).is_some());
    let (mut scripts, mut others) = (0, 0);
    for path in marked {
        let found = page.find(path).unwrap();
        assert_eq!(found.caching, FINAL, "{path}");
        if path.ends_with(".js") {
            scripts += 1
        } else {
            others += 1
        }
    }
    assert!(scripts > 100 && others >= 7, "{scripts} and {others}");
    // Clients of others ask by the plain names.
    for path in named.iter().filter(|path| unmarked(path).is_none()) {
        assert_eq!(page.find(path).unwrap().caching, REVALIDATE, "{path}");
    }
    assert!(named.contains(&"js/client/index.js"));
}

#[test]
fn an_earlier_name_leads_to_what_there_is_now_and_is_not_kept() {
    let page = Page::new(BasePath::default());
    for (path, now) in [
        ("js/place.000000000000.js", "js/place.js"),
        ("js/first.000000000000.js", "js/first.js"),
    ] {
        let found = page.find(path).unwrap();
        assert_eq!((found.path.as_str(), &found.caching), (now, &REVALIDATE));
        assert!(page.find("js/gone.000000000000.js").is_none());
    }
}

#[test]
fn the_first_screen_is_in_one_file_and_the_page_lets_only_its_map_run() {
    let page = Page::new(BasePath::default());
    let assembled = page.assembled();
    let imports = |name: &str| {
        let text = String::from_utf8(assembled.made[name].bytes.to_vec()).unwrap();
        text.lines()
            .filter(|line| line.starts_with("import "))
            .count()
    };
    assert_eq!(imports("js/first.js"), 0);
    assert!(imports("js/room.js") > 0);
    let html = String::from_utf8(assembled.index.bytes.to_vec()).unwrap();
    let (_, rest) = html.split_once("<script type=\"importmap\">").unwrap();
    let (map, _) = rest.split_once("</script>").unwrap();
    let policy = assembled.policy.to_str().unwrap();
    let hash = STANDARD.encode(Sha256::digest(map));
    assert!(
        policy.ends_with(&format!("script-src 'self' 'sha256-{hash}'")),
        "{policy}"
    );
    assert!(policy.starts_with(PAGE_POLICY));
}

#[test]
fn the_first_load_weighs_less_than_its_bound() {
    const BOUND: usize = 150 * 1024;
    let page = Page::new(BasePath::default());
    let assembled = page.assembled();
    let weigh = |content: &Content| encoding::gzip(&content.bytes).len();
    let stored = |path: &str| weigh(&page.find(path).unwrap().content);
    let words = ["en", "zh"].map(|language| stored(&format!("js/i18n/{language}.json")));
    let scenes = Files::iter().filter(|path| path.starts_with("icons/"));
    let parts = [
        ("page", weigh(&assembled.index)),
        ("scripts", weigh(&assembled.made["js/first.js"])),
        ("styles", weigh(&assembled.made["css/first.css"])),
        // One language is loaded, whichever is heavier.
        ("words", words.into_iter().max().unwrap()),
        ("drawings", scenes.map(|path| stored(&path)).sum()),
    ];
    let all = parts.iter().map(|(_, bytes)| bytes).sum::<usize>();
    println!("first load, compressed by gzip: {all} bytes: {parts:?}");
    assert!(all <= BOUND, "{all} bytes: {parts:?}");
}
