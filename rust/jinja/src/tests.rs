use serde_json::{Value, json};

use super::{Error, Limits, MAX_TEMPLATE_BYTES, render};

fn text(template: &str, context: Value) -> String {
    render(template, context, &Limits::default()).expect("renders")
}

fn fails(template: &str, context: Value) -> Error {
    render(template, context, &Limits { fuel: 200_000 }).expect_err("fails")
}

#[test]
fn a_conversation() {
    let template = "{% for message in messages %}\n\
        <|{{ message['role'] }}|>{{ message['content'].strip() }}\n\
        {% endfor %}\n\
        {% if add_generation_prompt %}<|assistant|>{% endif %}\n";
    let context = json!({
        "messages": [{"role": "system", "content": " Be nice "}, {"role": "user", "content": "é"}],
        "add_generation_prompt": true,
    });
    assert_eq!(
        text(template, context),
        "<|system|>Be nice\n<|user|>é\n<|assistant|>"
    );
}

#[test]
fn blocks_swallow_their_line() {
    assert_eq!(
        text("a\n  {% if true %}\nb\n  {% endif %}\nc", json!({})),
        "a\nb\nc"
    );
    assert_eq!(text("a {{- 'b' -}} \n c", json!({})), "abc");
}

#[test]
fn python_methods() {
    let context = json!({"s": "<think>x</think> Y", "d": {"a": 1, "b": 2}});
    let template = "{{ s.split('</think>')[-1].lstrip() }}{{ s.startswith('<') }}\
        {% for k, v in d.items() %}{{ k }}{{ v }}{% endfor %}{{ d.get('z', 0) }}{{ 'aB'.title() }}";
    assert_eq!(text(template, context), "YTruea1b20Ab");
}

#[test]
fn names_of_python() {
    assert_eq!(
        text("{{ None is none }}{{ True }}{{ x is defined }}", json!({})),
        "TrueTrueFalse"
    );
}

#[test]
fn what_is_not_there_has_no_members_either() {
    let template = "{% if messages[0]['role'] == 'system' %}S{% endif %}{{ a.b.c }}\
        {{ messages[0].content is defined }}";
    assert_eq!(text(template, json!({"messages": []})), "False");
}

#[test]
fn tojson_as_python_writes_it() {
    let context = json!({"x": {"b": [1, 2.5, 1e16, 1e-7, 3.0, true, null], "a": "é<>&'\"\n\u{1}"}});
    assert_eq!(
        text("{{ x | tojson }}", context.clone()),
        r#"{"b": [1, 2.5, 1e+16, 1e-07, 3.0, true, null], "a": "é<>&'\"\n\u0001"}"#
    );
    assert_eq!(
        text("{{ x.a | tojson(ensure_ascii=true) }}", context.clone()),
        r#""\u00e9<>&'\"\n\u0001""#
    );
    assert_eq!(
        text(
            "{{ {'b': [1, {}], 'a': []} | tojson(indent=2, sort_keys=true) }}",
            json!({})
        ),
        "{\n  \"a\": [],\n  \"b\": [\n    1,\n    {}\n  ]\n}"
    );
    assert_eq!(
        text(
            "{{ [1, {'a': 2}] | tojson(separators=(',', ':')) }}",
            json!({})
        ),
        "[1,{\"a\":2}]"
    );
    assert!(matches!(
        fails("{{ y | tojson }}", json!({})),
        Error::Template(_)
    ));
}

#[test]
fn the_date_comes_from_the_context() {
    let context = json!({"__now__": "2024-02-29T15:04:05"});
    assert_eq!(
        text(
            "{{ strftime_now('%d %b %Y|%A %B %-m|%H:%M:%S %I%p %j|%%') }}",
            context
        ),
        "29 Feb 2024|Thursday February 2|15:04:05 03PM 060|%"
    );
    assert_eq!(
        text(
            "{{ strftime_now('%F') }}{{ __now__ }}",
            json!({"__now__": "2025-01-31"})
        ),
        "2025-01-31"
    );
    assert!(matches!(
        fails("{{ strftime_now('%Y') }}", json!({})),
        Error::Template(_)
    ));
    assert!(matches!(
        fails("{{ strftime_now('%Q') }}", json!({"__now__": "2025-01-31"})),
        Error::Template(text) if text.contains("%Q")
    ));
    for bad in [json!("today"), json!("2025-13-01"), json!(7)] {
        assert!(matches!(
            fails("", json!({"__now__": bad})),
            Error::Context(_)
        ));
    }
}

#[test]
fn weekdays() {
    for (date, day) in [
        ("1970-01-01", "Thu"),
        ("2000-02-29", "Tue"),
        ("2023-12-31", "Sun"),
        ("0001-01-01", "Mon"),
    ] {
        assert_eq!(
            text("{{ strftime_now('%a') }}", json!({"__now__": date})),
            day
        );
    }
}

#[test]
fn generation_blocks_mean_nothing() {
    let template =
        "{% for m in [1] %}a\n{%- generation -%}\n b{{ m }} {% endgeneration %}\nc{% endfor %}";
    assert_eq!(text(template, json!({})), "ab1 c");
    assert_eq!(
        text("{{ 'generation {% generation %}' }}", json!({})),
        "generation {% generation %}"
    );
    assert!(matches!(
        fails("{% generation", json!({})),
        Error::Template(_)
    ));
}

#[test]
fn raised_errors_keep_their_text() {
    let template = "{{ raise_exception('roles must ' ~ 'alternate') }}";
    let error = fails(template, json!({}));
    assert!(matches!(&error, Error::Raised(_)));
    assert_eq!(error.to_string(), "roles must alternate");
    let nested = "{% macro m() %}{{ raise_exception('inner') }}{% endmacro %}{{ m() }}";
    assert_eq!(fails(nested, json!({})).to_string(), "inner");
}

#[test]
fn bad_templates_and_contexts() {
    assert!(matches!(fails("{% if %}", json!({})), Error::Template(_)));
    assert!(matches!(fails("{{ x() }}", json!({})), Error::Template(_)));
    assert!(matches!(
        fails("{% include 'x' %}", json!({})),
        Error::Template(_)
    ));
    assert!(matches!(fails("x", json!([])), Error::Context(_)));
    let long = " ".repeat(MAX_TEMPLATE_BYTES + 1);
    assert!(matches!(fails(&long, json!({})), Error::TooLong(_)));
}

#[test]
fn work_is_bounded() {
    for template in [
        "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}",
        "{{ 'x' * 999999999 }}",
        "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{% for i in range(999) %}{{ range(99999) | list | tojson }}{% endfor %}",
    ] {
        assert!(
            matches!(fails(template, json!({})), Error::OutOfFuel(200_000)),
            "{template}"
        );
    }
}

#[test]
fn nesting_is_bounded() {
    let deep = |body: &str| {
        "{% set ns = namespace(x=1) %}{% for i in range(99999) %}{% for j in range(99999) %}"
            .to_owned()
            + body
            + "{% endfor %}{% endfor %}"
    };
    for body in ["{% set ns.x = [ns.x] %}", "{% set ns.x = {'a': ns.x} %}"] {
        let error =
            render(&deep(body), json!({}), &Limits::default()).expect_err("runs out of fuel");
        assert!(matches!(error, Error::OutOfFuel(_)), "{error}");
    }
    let build = "{% set ns = namespace(x=1) %}{% for i in range(500) %}{% for j in range(500) %}\
        {% set ns.x = [ns.x] %}{% endfor %}{% endfor %}";
    assert_eq!(
        text(&format!("{build}{{{{ ns.x }}}}"), json!({})).len(),
        500_001
    );
    assert!(matches!(
        render(
            &format!("{build}{{{{ ns.x | tojson }}}}"),
            json!({}),
            &Limits::default()
        ),
        Err(Error::TooDeep(_))
    ));
    let endless = "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}";
    assert!(matches!(fails(endless, json!({})), Error::TooDeep(_)));
    let wide = format!("{{{{ 1{} }}}}", "+1".repeat(MAX_TEMPLATE_BYTES / 2 - 8));
    assert_eq!(
        text(&wide, json!({})),
        (MAX_TEMPLATE_BYTES / 2 - 7).to_string()
    );
    let parens = format!("{{{{ {}1{} }}}}", "(".repeat(9999), ")".repeat(9999));
    assert!(matches!(fails(&parens, json!({})), Error::TooDeep(_)));
}
