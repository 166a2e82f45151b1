//! Several modules of the page as one file, so that a first visit waits for one answer and not for a hundred.
//!
//! Each module keeps its text, comments and names, inside a function of its own. Its imports become constants. The file
//! exports everything that its modules export, so an import map can lead all of their addresses to it. Modules must
//! follow a few rules for that, and [`pack`] reports violations: only named imports and exports, no circles, no two
//! modules of a pack that export the same name, and `import.meta` only in the folder of the pack.
//!
//! The build script includes this file, so it needs only the standard library.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Modules by their paths.
pub type Sources<'a> = BTreeMap<&'a str, &'a str>;

/// A pack that was made.
#[derive(Debug)]
pub struct Packed {
    /// The file.
    pub text: String,
    /// The modules in it, in the order in which they run.
    pub members: Vec<String>,
}

/// Everything that `entries` need and that is not in `elsewhere`, as one module in `folder`.
///
/// # Errors
///
/// Which module cannot be packed, and why, in words.
pub fn pack(
    sources: &Sources,
    folder: &str,
    entries: &[&str],
    elsewhere: &BTreeSet<String>,
) -> Result<Packed, String> {
    let mut modules = BTreeMap::new();
    let mut members = Vec::new();
    for entry in entries {
        collect(sources, entry, elsewhere, &mut modules, &mut members, 0)?;
    }
    let mut text = String::new();
    let outer: BTreeSet<&str> = (modules.values().flat_map(Module::needs))
        .filter(|path| elsewhere.contains(*path))
        .collect();
    for path in outer {
        let from = relative(folder, path);
        let _ = writeln!(text, "import * as {} from '{from}';", name_of(path));
    }
    for path in &members {
        write_module(&mut text, folder, path, &modules[path])?;
    }
    write_exports(&mut text, &members, &modules)?;
    Ok(Packed { text, members })
}

/// One module, read.
struct Module {
    imports: Vec<Import>,
    /// The names that it declares and exports.
    exports: Vec<String>,
    /// The names that it re-exports, and from where.
    handed_on: Vec<Import>,
    /// Its text without imports, and without the word `export`.
    body: String,
}

struct Import {
    /// The name there, and the name here.
    names: Vec<(String, String)>,
    from: String,
}

impl Module {
    fn needs(&self) -> impl Iterator<Item = &str> {
        let imports = self.imports.iter().chain(&self.handed_on);
        imports.map(|import| import.from.as_str())
    }
}

/// Reads a module after all that it needs. The length of a chain is bounded by the number of modules, so a circle ends
/// with an error.
fn collect(
    sources: &Sources,
    path: &str,
    elsewhere: &BTreeSet<String>,
    modules: &mut BTreeMap<String, Module>,
    members: &mut Vec<String>,
    depth: usize,
) -> Result<(), String> {
    if modules.contains_key(path) || elsewhere.contains(path) {
        return Ok(());
    }
    if depth > sources.len() {
        return Err(format!("{path} needs itself."));
    }
    let text = sources.get(path);
    let module = read(
        path,
        text.ok_or_else(|| format!("There is no module {path}."))?,
    )?;
    for needed in module.needs() {
        collect(sources, needed, elsewhere, modules, members, depth + 1)?;
    }
    modules.insert(path.to_owned(), module);
    members.push(path.to_owned());
    Ok(())
}

fn read(path: &str, text: &str) -> Result<Module, String> {
    let mut module = Module {
        imports: Vec::new(),
        exports: Vec::new(),
        handed_on: Vec::new(),
        body: String::new(),
    };
    let mut rest = text;
    while !rest.is_empty() {
        let unclear = || {
            let line = rest.lines().next().unwrap_or_default();
            format!("{path} imports or exports in a way that no pack can: {line}")
        };
        if let Some(list) = rest.strip_prefix("import ") {
            let (import, after) = named(path, list).ok_or_else(unclear)?;
            module.imports.push(import);
            rest = after;
        } else if let Some(list) = rest
            .strip_prefix("export ")
            .filter(|list| list.starts_with('{'))
        {
            let (import, after) = named(path, list).ok_or_else(unclear)?;
            module.handed_on.push(import);
            rest = after;
        } else {
            let (line, after) = rest.split_at(rest.find('\n').map_or(rest.len(), |end| end + 1));
            rest = after;
            let Some(declaration) = line.strip_prefix("export ") else {
                module.body.push_str(line);
                continue;
            };
            let name = declared(declaration);
            module.exports.push(name.ok_or_else(|| {
                format!(
                    "{path} exports in a way that no pack can: {}",
                    line.trim_end()
                )
            })?);
            module.body.push_str(declaration);
        }
    }
    Ok(module)
}

/// Reads `{ a, b as c } from './x.js';`, and returns the rest of the text too.
fn named<'a>(path: &str, text: &'a str) -> Option<(Import, &'a str)> {
    let (names, rest) = text.strip_prefix('{')?.split_once('}')?;
    let (from, rest) = rest.strip_prefix(" from '")?.split_once("';\n")?;
    let names = names
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    let names = names.map(|name| match name.split_once(" as ") {
        Some((there, here)) => (there.to_owned(), here.to_owned()),
        None => (name.to_owned(), name.to_owned()),
    });
    let import = Import {
        names: names.collect(),
        from: resolved(path, from)?,
    };
    Some((import, rest))
}

/// The name that `const a = 1;`, `class A {`, `function a(` or `async function* a(` declares.
fn declared(text: &str) -> Option<String> {
    let kinds = [
        "const ",
        "class ",
        "function* ",
        "function ",
        "async function ",
        "async function* ",
    ];
    let rest = kinds.iter().find_map(|kind| text.strip_prefix(kind))?;
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '$';
    let name = &rest[..rest.find(|letter| !is_part(letter))?];
    (!name.is_empty()).then(|| name.to_owned())
}

/// Where `./x.js` leads from a module.
fn resolved(path: &str, address: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    if !address.starts_with('.') {
        return None;
    }
    for part in address.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// How a pack in `folder` names a module below it.
fn relative(folder: &str, path: &str) -> String {
    match path.strip_prefix(folder) {
        Some(rest) => format!(".{rest}"),
        None => format!("/{path}"),
    }
}

/// The name of a module within a pack: `$flow_actions`.
fn name_of(path: &str) -> String {
    let inside = path.split_once('/').map_or(path, |(_, inside)| inside);
    let stem = inside.strip_suffix(".js").unwrap_or(inside);
    let letters = stem.chars().map(|letter| match letter {
        letter if letter.is_ascii_alphanumeric() => letter,
        _ => '_',
    });
    std::iter::once('$').chain(letters).collect()
}

fn write_module(
    text: &mut String,
    folder: &str,
    path: &str,
    module: &Module,
) -> Result<(), String> {
    let in_folder = path
        .rsplit_once('/')
        .is_some_and(|(parent, _)| parent == folder);
    if !in_folder && module.body.contains("import.meta") {
        return Err(format!(
            "{path} asks where it is, and would be told where its pack is."
        ));
    }
    // Only the module that starts the page may await while it runs.
    let waits = module.body.lines().any(|line| line.starts_with("await "));
    let (waiting, function) = if waits {
        ("await ", "async ()")
    } else {
        ("", "()")
    };
    let _ = writeln!(
        text,
        "\n// {path}\nconst {} = {waiting}({function} => {{",
        name_of(path)
    );
    for import in &module.imports {
        let names = import
            .names
            .iter()
            .map(|(there, here)| match there == here {
                true => here.clone(),
                false => format!("{there}: {here}"),
            });
        let names = names.collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "const {{ {names} }} = {};", name_of(&import.from));
    }
    text.push_str(&repointed(&module.body, folder, path));
    let own = module.exports.iter().cloned();
    let handed_on = module.handed_on.iter().flat_map(|import| {
        let from = name_of(&import.from);
        let hand_on = move |(there, here): &(String, String)| format!("{here}: {from}.{there}");
        import.names.iter().map(hand_on)
    });
    let given = own.chain(handed_on).collect::<Vec<_>>().join(", ");
    let _ = writeln!(text, "return {{ {given} }};\n}})();");
    Ok(())
}

/// Renames the modules that are loaded later, as the pack must name them.
fn repointed(body: &str, folder: &str, path: &str) -> String {
    const LOADS: &str = "import('";
    let mut parts = body.split(LOADS);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(LOADS);
        let there = part.split_once('\'');
        match there.and_then(|(address, rest)| Some((resolved(path, address)?, rest))) {
            Some((target, rest)) => {
                let _ = write!(text, "{}'{rest}", relative(folder, &target));
            }
            None => text.push_str(part),
        }
    }
    text
}

/// Writes exports under separate names, so that they hide no name inside a module.
fn write_exports(
    text: &mut String,
    members: &[String],
    modules: &BTreeMap<String, Module>,
) -> Result<(), String> {
    let mut givers: BTreeMap<&str, &str> = BTreeMap::new();
    let _ = writeln!(text);
    for path in members {
        let module = &modules[path];
        let handed_on = module.handed_on.iter().flat_map(|import| {
            // A re-export from a module of this pack is exported already.
            let known = modules.contains_key(&import.from);
            import
                .names
                .iter()
                .filter(move |(there, here)| !known || there != here)
        });
        let handed_on = handed_on.map(|(_, here)| here);
        for name in module.exports.iter().chain(handed_on) {
            if let Some(other) = givers.insert(name, path) {
                return Err(format!("{other} and {path} both export {name}."));
            }
            let from = name_of(path);
            let _ = writeln!(text, "const {from}${name} = {from}.{name};");
        }
    }
    let given: Vec<String> = (givers.iter())
        .map(|(name, path)| format!("  {}${name} as {name},\n", name_of(path)))
        .collect();
    let _ = writeln!(text, "export {{\n{}}};", given.concat());
    Ok(())
}

#[cfg(test)]
#[path = "pack/tests.rs"]
mod tests;
