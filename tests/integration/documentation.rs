//! The documentation over plain HTTP: drawn from its Markdown, at the root and below a path.

use std::io::Read as _;

use meeting::config::BasePath;
use meeting::http::headers::PAGE_POLICY;
use meeting::http::{Access, Connections, SocketLimits};

use super::http::Server;

#[tokio::test]
async fn a_page_is_html_under_its_name_and_markdown_under_its_files() {
    let server = Server::plain().await;
    let page = server.get("/docs/protocol").await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, "text/html; charset=utf-8")
    );
    assert_eq!(page.header("content-security-policy"), PAGE_POLICY);
    assert!(
        page.text()
            .contains("<title>Protocol: rules · Meeting</title>")
    );
    assert!(page.text().contains("<h2 id=\"3-session\">"));
    let file = server.get("/docs/protocol.md").await;
    assert_eq!(
        (file.status, file.header("content-type")),
        (200, "text/markdown; charset=utf-8")
    );
    assert!(file.text().starts_with("# Protocol: rules\n"));
}

#[tokio::test]
async fn the_folder_leads_to_its_index() {
    let server = Server::plain().await;
    let folder = server.get("/docs").await;
    assert_eq!((folder.status, folder.header("location")), (308, "docs/"));
    let index = server.get("/docs/").await;
    assert_eq!(index.status, 200);
    assert_eq!(server.get("/docs/index").await.body, index.body);
}

#[tokio::test]
async fn names_that_are_none_of_a_page_find_nothing() {
    let server = Server::plain().await;
    for path in [
        "/docs/nothing",
        "/docs/Protocol",
        "/docs/protocol/",
        "/docs/%70rotocol",
        "/docs/%ff",
        "/docs/..%2f..%2fCargo.toml",
        "/docs/examples/nothing",
        "/docs/protocol.md.html",
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.text(), "There is nothing at this address.\n");
    }
}

#[tokio::test]
async fn a_page_is_sent_once_and_compressed() {
    let server = Server::plain().await;
    let plain = server.get("/docs/reference").await;
    let packed = server
        .ask("GET /docs/reference", &["Accept-Encoding: gzip"])
        .await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(packed.body.as_slice())
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, plain.body);
    let known = format!("If-None-Match: {}", plain.header("etag"));
    let again = server.ask("GET /docs/reference", &[&known]).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
}

#[tokio::test]
async fn below_a_path_no_link_of_a_page_leaves_it() {
    let server = Server::with(
        Access::default(),
        SocketLimits::default(),
        BasePath::parse("/meet").unwrap(),
        Connections::default(),
    )
    .await;
    for path in ["/meet/docs/", "/docs/", "/meet/docs/protocol"] {
        let page = server.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        for name in ["href", "src"] {
            let opening = format!("{name}=\"/");
            for link in page.text().split(&opening).skip(1) {
                assert!(link.starts_with("meet/"), "{path}: {}", &link[..20]);
            }
        }
    }
    let folder = server.get("/meet/docs").await;
    assert_eq!((folder.status, folder.header("location")), (308, "docs/"));
}
