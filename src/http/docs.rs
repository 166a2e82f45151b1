//! The documentation: Markdown under `static/docs/`, drawn as HTML in one plain layout.
//!
//! The same files are read in the repository and at `/docs/`. A drawn page is kept until its Markdown changes, which
//! happens in debug builds only. [`super::page`] sends it like a file: with a tag, compressed, and below the public
//! path.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use super::HttpState;
use super::page::{self, Files};

/// The pages in the order of the list, with their titles there.
const PAGES: [(&str, &str); 9] = [
    ("index", "Overview"),
    ("install", "Install"),
    ("settings", "Settings"),
    ("operating", "Operate"),
    ("moving-in", "Move in from older programs"),
    ("permissions", "Who may do what"),
    ("protocol", "Protocol: rules"),
    ("reference", "Protocol: messages"),
    ("client-guide", "Write a client"),
];

/// The SHA-256 of the Markdown, and the HTML from it.
type Drawn = ([u8; 32], Arc<str>);

/// At most one entry for each of [`PAGES`].
static DRAWN: LazyLock<Mutex<HashMap<&'static str, Drawn>>> = LazyLock::new(Mutex::default);

/// `/docs`: redirects to `/docs/`, because the links in the pages are relative.
pub async fn to_index() -> Response {
    // This is relative as well, because the path of a proxy is not known here.
    (StatusCode::PERMANENT_REDIRECT, [(LOCATION, "docs/")]).into_response()
}

/// `/docs/`
pub async fn index(State(state): State<HttpState>, headers: HeaderMap) -> Response {
    let page = state.page;
    page.answer("docs/index.html", StatusCode::OK, &headers)
        .await
}

/// `/docs/{name}`: one page, or a file of the folder under its own name.
pub async fn document(
    State(state): State<HttpState>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    // Names are compared without decoding, like those of files.
    let name = uri.path().rsplit('/').next().and_then(known);
    let Some(name) = name else {
        return page::file(State(state), method, uri, headers).await;
    };
    let path = format!("docs/{name}.html");
    state.page.answer(&path, StatusCode::OK, &headers).await
}

/// The HTML of `docs/NAME.html`. None for every other path.
pub(super) fn html(path: &str) -> Option<Arc<str>> {
    let name = path.strip_prefix("docs/")?.strip_suffix(".html")?;
    let name = known(name)?;
    let file = Files::get(&format!("docs/{name}.md"))?;
    let hash = file.metadata.sha256_hash();
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((of, html)) = drawn.get(name)
        && *of == hash
    {
        return Some(Arc::clone(html));
    }
    let markdown = String::from_utf8_lossy(&file.data);
    let html: Arc<str> = laid_out(name, &Document::read(&markdown)).into();
    drawn.insert(name, (hash, Arc::clone(&html)));
    Some(html)
}

fn known(name: &str) -> Option<&'static str> {
    PAGES
        .into_iter()
        .map(|(page, _)| page)
        .find(|page| *page == name)
}

/// A page as it was read.
#[derive(Debug, Default)]
struct Document {
    title: String,
    sections: Vec<Section>,
    body: String,
}

/// One heading below the title.
#[derive(Debug)]
struct Section {
    level: HeadingLevel,
    id: String,
    text: String,
}

impl Document {
    fn read(markdown: &str) -> Self {
        let mut document = Self::default();
        let mut ids = HashMap::new();
        let mut events = Vec::new();
        let mut parser = Parser::new_ext(markdown, Options::ENABLE_TABLES);
        while let Some(event) = parser.next() {
            match event {
                Event::Start(Tag::Heading { level, .. }) => {
                    let inside = parser
                        .by_ref()
                        .take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))))
                        .map(linked)
                        .collect();
                    document.head(level, inside, &mut ids, &mut events);
                }
                // Comments for the generators, which readers should not see.
                Event::Html(_) | Event::InlineHtml(_) => {}
                other => events.push(linked(other)),
            }
        }
        html::push_html(&mut document.body, events.into_iter());
        document
    }

    fn head<'a>(
        &mut self,
        level: HeadingLevel,
        inside: Vec<Event<'a>>,
        ids: &mut HashMap<String, usize>,
        events: &mut Vec<Event<'a>>,
    ) {
        let text: String = inside.iter().filter_map(words).collect();
        let id = unique(slug(&text), ids);
        let open = format!("<{level} id=\"{id}\">");
        events.push(Event::Html(open.into()));
        events.extend(inside);
        if level == HeadingLevel::H1 {
            self.title = text;
            events.push(Event::Html("</h1>\n".into()));
            return;
        }
        let link = format!(
            " <a class=\"anchor\" href=\"#{id}\" aria-label=\"Link to {}\">#</a></{level}>\n",
            escaped(&text)
        );
        events.push(Event::Html(link.into()));
        self.sections.push(Section { level, id, text });
    }
}

/// The text of one event of a heading.
fn words<'a>(event: &'a Event<'_>) -> Option<&'a str> {
    match event {
        Event::Text(text) | Event::Code(text) => Some(text),
        _ => None,
    }
}

/// Changes a link to a Markdown file beside this one into a link to its page.
fn linked(event: Event<'_>) -> Event<'_> {
    let Event::Start(Tag::Link {
        link_type,
        dest_url,
        title,
        id,
    }) = event
    else {
        return event;
    };
    let dest_url = match served(&dest_url) {
        Some(served) => CowStr::from(served),
        None => dest_url,
    };
    Event::Start(Tag::Link {
        link_type,
        dest_url,
        title,
        id,
    })
}

fn served(link: &str) -> Option<String> {
    let (file, anchor) = match link.split_once('#') {
        Some((file, anchor)) => (file, format!("#{anchor}")),
        None => (link, String::new()),
    };
    match known(file.strip_suffix(".md")?)? {
        "index" => Some(format!("./{anchor}")),
        name => Some(format!("{name}{anchor}")),
    }
}

/// The anchor of a heading, made as code hosts make it. So a link works in the repository and here.
fn slug(text: &str) -> String {
    let kept = text
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    let kept = kept.map(|c| if c == ' ' { '-' } else { c });
    kept.flat_map(char::to_lowercase).collect()
}

fn unique(id: String, ids: &mut HashMap<String, usize>) -> String {
    let count = ids.entry(id.clone()).or_default();
    *count += 1;
    match *count {
        1 => id,
        more => format!("{id}-{}", more - 1),
    }
}

fn laid_out(name: &str, document: &Document) -> String {
    let mut pages = String::new();
    for (page, title) in PAGES {
        let here = if page == name {
            " aria-current=\"page\""
        } else {
            ""
        };
        let page = if page == "index" { "" } else { page };
        let _ = writeln!(
            pages,
            "          <li><a href=\"/docs/{page}\"{here}>{title}</a></li>"
        );
    }
    format!(
        r##"<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>{title} · Meeting</title>
    <link rel="icon" href="/icons/favicon.svg" type="image/svg+xml" />
    <link rel="stylesheet" href="/css/tokens.css" />
    <link rel="stylesheet" href="/css/docs.css" />
  </head>
  <body>
    <a class="skip" href="#text">Skip to the text</a>
    <header><a href="/">Meeting</a> <span>Documentation</span></header>
    <div class="columns">
      <nav aria-label="Pages">
        <ul>
{pages}        </ul>
      </nav>
      <main id="text">
{body}      </main>
    </div>
  </body>
</html>
"##,
        title = escaped(&document.title),
        body = below_title(&document.body, &contents(&document.sections)),
    )
}

/// The text with `contents` below its title.
fn below_title(body: &str, contents: &str) -> String {
    const END: &str = "</h1>\n";
    body.replacen(END, &format!("{END}{contents}"), 1)
}

/// The table of contents, folded away. Empty for a short page.
fn contents(sections: &[Section]) -> String {
    if sections.len() < 3 {
        return String::new();
    }
    let mut list =
        String::from("<details class=\"contents\"><summary>On this page</summary>\n<ul>\n");
    for Section { level, id, text } in sections {
        let text = escaped(text);
        let _ = writeln!(
            list,
            "<li class=\"{level}\"><a href=\"#{id}\">{text}</a></li>"
        );
    }
    list.push_str("</ul>\n</details>\n");
    list
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests;
