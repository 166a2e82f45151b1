//! Just as much of JSON Schema (draft 2020-12) as the published schema makes use of. A keyword that is not known here is
//! an error, so that nothing passes unchecked.

use serde_json::Value;

/// Checks `value` against `schema`, whose references lead into `root`.
pub fn check(root: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let keywords = match schema {
        Value::Bool(true) => return Ok(()),
        Value::Object(keywords) => keywords,
        _ => return Err(format!("{schema} is no schema")),
    };
    for (keyword, rule) in keywords {
        let holds = match keyword.as_str() {
            "description" | "title" | "default" | "format" => Ok(true),
            "$ref" => {
                let pointer = rule.as_str().and_then(|to| to.strip_prefix('#'));
                let target = pointer.and_then(|pointer| root.pointer(pointer));
                check(root, target.ok_or("a reference leads nowhere")?, value).map(|()| true)
            }
            "type" => Ok(is_of_type(rule, value)),
            "const" => Ok(rule == value),
            "enum" => Ok(list(rule).contains(value)),
            "anyOf" => Ok(matching(root, rule, value) >= 1),
            "oneOf" => Ok(matching(root, rule, value) == 1),
            "minLength" => Ok(length(value).is_none_or(|length| Some(length) >= rule.as_u64())),
            "maxLength" => Ok(length(value).is_none_or(|length| Some(length) <= rule.as_u64())),
            "minimum" => Ok(value
                .as_f64()
                .is_none_or(|number| Some(number) >= rule.as_f64())),
            "maximum" => Ok(value
                .as_f64()
                .is_none_or(|number| Some(number) <= rule.as_f64())),
            "required" => Ok(list(rule)
                .iter()
                .all(|name| value.get(name.as_str().unwrap_or_default()).is_some())),
            "properties" => check_properties(root, rule, value).map(|()| true),
            "items" => list(value)
                .iter()
                .try_for_each(|item| check(root, rule, item))
                .map(|()| true),
            unknown => Err(format!("the keyword {unknown} is not known")),
        };
        if !holds? {
            return Err(format!("{value} breaks {keyword}: {rule}"));
        }
    }
    Ok(())
}

/// A message's fields are all described: what is not in the schema is not part of the protocol.
fn check_properties(root: &Value, rule: &Value, value: &Value) -> Result<(), String> {
    for (name, field) in value.as_object().into_iter().flatten() {
        let schema = rule
            .get(name)
            .ok_or_else(|| format!("{name} is not described"))?;
        check(root, schema, field).map_err(|what| format!("{name}: {what}"))?;
    }
    Ok(())
}

fn matching(root: &Value, rule: &Value, value: &Value) -> usize {
    let matches = |schema: &&Value| check(root, schema, value).is_ok();
    list(rule).iter().filter(matches).count()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn length(value: &Value) -> Option<u64> {
    value
        .as_str()
        .map(|text| u64::try_from(text.chars().count()).unwrap())
}

fn is_of_type(rule: &Value, value: &Value) -> bool {
    if let Value::Array(types) = rule {
        return types.iter().any(|one| is_of_type(one, value));
    }
    match rule.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => false,
    }
}

#[test]
fn what_is_not_of_the_schema_is_found() {
    use serde_json::json;
    let root = json!({ "$defs": { "Id": { "type": "string", "minLength": 1 } } });
    let schema = json!({ "type": "object", "required": ["id"], "properties": {
        "id": { "$ref": "#/$defs/Id" }, "tags": { "type": ["array", "null"], "items": { "enum": ["a", "b"] } } } });
    for good in [
        json!({ "id": "x" }),
        json!({ "id": "x", "tags": null }),
        json!({ "id": "x", "tags": ["a"] }),
    ] {
        assert_eq!(check(&root, &schema, &good), Ok(()), "{good}");
    }
    for bad in [
        json!([]),
        json!({}),
        json!({ "id": "" }),
        json!({ "id": 7 }),
        json!({ "id": "x", "tags": ["c"] }),
        json!({ "id": "x", "more": 1 }),
    ] {
        assert!(check(&root, &schema, &bad).is_err(), "{bad}");
    }
    assert!(check(&root, &json!({ "pattern": "x" }), &json!("x")).is_err());
}
