"""What mlx-lm's tool parsers make of texts: goldens for the interface's dialects."""

import argparse
import importlib
import json
from pathlib import Path

from mlx_lm import __version__

GOLDEN = Path(__file__).parents[1] / "packages/abstractllm/test/goldens/tool-calls.json"


def tool(name: str, **properties: dict) -> dict:
    parameters = {"type": "object", "properties": properties}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


NUMBER, STRING, INTEGER = ({"type": kind} for kind in ("number", "string", "integer"))

TOOLS = [
    tool("multiply", a=NUMBER, b=NUMBER),
    tool("get_weather", city=STRING, days=INTEGER, metric={"type": "boolean"}, code=STRING),
    tool(
        "search",
        query=STRING,
        filters={"type": "object"},
        tags={"type": "array"},
        value={"anyOf": [{"type": "object"}, {"type": "array"}, {"type": "string"}]},
        note={"type": ["string", "null"]},
    ),
    tool("now"),
]

CASES: dict[str, list[str]] = {
    "json_tools": [
        '{"name": "multiply", "arguments": {"a": 12, "b": -0.5}}',
        '\n{"name": "now", "arguments": {}}\n',
        '{"name": "search", "arguments": {"query": "\\u00e9 \\"x\\"", "filters": {"a": [1, null]}}}',
        '{"name": "multiply", "arguments": {"a": 1',
        "no call",
    ],
    "qwen3_coder": [
        "<function=multiply>\n<parameter=a>\n12\n</parameter>\n<parameter=b>\n2.5\n</parameter>\n</function>",
        "<function=get_weather>\n<parameter=city>\nNew\nYork\n</parameter>\n<parameter=days>\n3\n</parameter>\n"
        "<parameter=metric>\nTrue\n</parameter>\n</function>",
        "<function=search><parameter=filters>{'a': True, 'b': None}</parameter><parameter=tags>['x', \"y\"]</parameter></function>",
        '<function=search><parameter=value>{"k": 1}</parameter><parameter=query>{"k": 1}</parameter></function>',
        '<function=search><parameter=value>["open"</parameter></function>',
        "<function=search><parameter=value>123</parameter></function>",
        "<function=get_weather><parameter=code>007</parameter><parameter=other>5</parameter></function>",
        "<function=now\n</parameter>\n</function>",
        "<function=search>\n<parameter=query\na>b\n</parameter>\n</function>",
        "<function=search>\n<parameter=query>\n2025-06-15T10:30:00Z\n</parameter>\n</function>",
        "<function=search>\n<parameter=note>\nnull\n</parameter>\n</function>",
        "no call",
    ],
    "glm47": [
        "multiply<arg_key>a</arg_key><arg_value>12</arg_value><arg_key>b</arg_key><arg_value>3</arg_value>",
        "get_weather\n<arg_key>code</arg_key>\n<arg_value>123</arg_value>\n<arg_key>days</arg_key>\n<arg_value>3</arg_value>",
        "search<arg_key>tags</arg_key><arg_value>['a', 'b']</arg_value><arg_key>query</arg_key><arg_value>x < y</arg_value>",
        '{"name": "multiply", "arguments": {"a": 12, "b": 3}}',
        '{"function": "multiply", "arguments": {"a": 12}}',
        "multiply a=12 b=3",
        'get_weather city="New York" days=2',
        'multiply\n{"a": 1, "b": 2}',
        "now",
    ],
    "longcat": [
        "multiply<longcat_arg_key>a</longcat_arg_key>\n<longcat_arg_value>12</longcat_arg_value>",
        "get_weather<longcat_arg_key>city</longcat_arg_key><longcat_arg_value>Rome</longcat_arg_value>",
        '{"name": "multiply", "arguments": {"a": 12, "b": 3}}',
    ],
    "minimax_m2": [
        '<invoke name="multiply">\n<parameter name="a">12</parameter>\n<parameter name="b">3</parameter>\n</invoke>',
        '<invoke name="search">\n<parameter name="query">weather</parameter>\n</invoke>\n'
        '<invoke name="get_weather">\n<parameter name="days">2</parameter><parameter name="metric">false</parameter>\n</invoke>',
        '<invoke name="search"><parameter name="filters">{"a": 1}</parameter><parameter name="tags">[1, 2]</parameter></invoke>',
        "<invoke name='search'><parameter name='note'>null</parameter></invoke>",
        "no call",
    ],
    "minicpm5": [
        '"get_weather"><param name="city">Paris</param><param name="days">3</param><param name="metric">true</param>',
        "<function name='get_weather'>\n<param name='city'> Paris </param>\n</function>",
        '<function name="search"><param name="query"><![CDATA[a\n<b>&</b>\n]]></param></function>',
        '"get_weather"><param name="city">Paris</param><param name="days">3',
        '<function name="search"><param name="query"></param></function>',
        "\"search\"><param name=\"filters\">{'unit': 'c'}</param>",
        '<function name="get_weather"><param name="days">3</param></function>\n<function name="now"></function>',
    ],
    "muse_spark": [
        '\n<atem:invoke name="search">\n<atem:parameter name="query">rain in Paris</atem:parameter>'
        '<atem:parameter name="tags">["a", "b"]</atem:parameter>\n</atem:invoke>\n',
        '<atem:invoke name="search">\n<atem:parameter name="query">1\n  </atem:invoke>\n"q"\n</atem:parameter>\n</atem:invoke>',
        '<atem:invoke name="other">\n<atem:parameter name="a:b">1</atem:parameter>\n'
        '<atem:parameter type="text" name="max tokens">two words</atem:parameter>\n</atem:invoke>',
        '<atem:invoke name="now">\n</atem:invoke>\n<atem:invoke name="clock.now">\n</atem:invoke>',
        "no call",
    ],
    "pythonic": [
        "[multiply(a=12, b=-3.5)]",
        "[write(path='/tmp/a.py', content='# Hello, world!\\n')]",
        '[shop.order(items=[{"name": "noodles", "organic": true, "unit": null}], to="Lane 8, IL")]',
        '[now(), search(query="x, y", tags=("a", "b"), filters={"k": {"n": [1, [2]]}})]',
        '[manim-video(mode="plan")]',
        'now(location="Paris")',
        "no call",
    ],
    "mistral": [
        'multiply[ARGS]{"a": 12, "b": 3}',
        'get-weather[ARGS]{"city": "Paris"}[TOOL_CALLS]get_weather[ARGS]{"city": "Tokyo"}',
        'a[ARGS]{"x": 1}b[ARGS]{"y": 2}',
        'run[ARGS]{"cmd": "echo {x} [ARGS] }", "opts": {"deep": [1, 2, {"k": "v"}]}}',
        'get_weather[ARGS]{"city": "Paris"}\n\nLet me see.',
        '[{"name": "get_weather", "arguments": {"city": "Paris"}}]',
        '[{"name": "c", "arguments": "{\\"e\\": \\"2+3\\"}", "id": "abcdefghi"}]',
        '[{"name": "a", "arguments": {}}, {"name": "b", "arguments": {}}]',
        '[{"name": 1, "arguments": {"cmd": "run[ARGS]{}"}}]',
        'a[ARGS]{"x": 1}b[ARGS]{"y":',
        "just some prose",
    ],
    "function_gemma": [
        "call:multiply{a:12,b:3}",
        "call:get_weather{city:<escape>New York, NY<escape>,days:2,metric:true}",
        "call:now{}",
        "no call",
    ],
    "gemma4": [
        "call:multiply{a:12,b:3}",
        'call:configure{settings:{enabled:true,name:<|"|>test<|"|>}}',
        'call:tag{items:[<|"|>foo<|"|>,<|"|>bar<|"|>]}',
        'call:search{query:<|"|>a {b} "c"<|"|>,limit:10,verbose:false,none:null}',
        'call:glob{pattern:<|"|>*.md<|"|>}call:manim-video{mode:<|"|>plan<|"|>}',
        "no call",
    ],
    "kimi_k2": [
        '<|tool_call_begin|>functions.multiply:0<|tool_call_argument_begin|>{"a": 12, "b": 3}<|tool_call_end|>',
        '<|tool_call_begin|>functions.search:0<|tool_call_argument_begin|>{"query": "w"}<|tool_call_end|>'
        "<|tool_call_begin|>functions.now:1<|tool_call_argument_begin|>{}<|tool_call_end|>",
        "no call",
    ],
    "kimi_k3": [
        '<|open|>call tool="multiply" index="1"<|sep|><|open|>argument key="a" type="number"<|sep|>12<|close|>argument<|sep|>'
        '<|open|>argument key="b" type="string"<|sep|>3<|close|>argument<|sep|><|close|>call<|sep|>',
        '<|open|>call tool="search" index="1"<|sep|><|open|>json type="object"<|sep|>{"query": "x"}<|close|>json<|sep|><|close|>call<|sep|>',
        '<|open|>call tool="say" index="1"<|sep|><|close|>call<|sep|><|open|>call tool="echo&amp;log" index="2"<|sep|><|close|>call<|sep|>',
        '<|open|>call index="1"<|sep|><|close|>call<|sep|><|open|>call tool="say" index="2"<|sep|><|close|>call<|sep|>',
        '<|open|>call tool="say" index="1"<|sep|><|close|>call<|sep|><|open|>call tool="cut" index="2"<|sep|><|open|>argument key="x" type="num',
        '<|open|>call index="1"<|sep|><|close|>call<|sep|>',
    ],
}


def parse(dialect: str, text: str) -> list[dict]:
    """The calls, none where the parser refuses the text."""
    parser = importlib.import_module(f"mlx_lm.tool_parsers.{dialect}")
    try:
        calls = parser.parse_tool_call(text, TOOLS)
    except Exception:
        return []
    return calls if isinstance(calls, list) else [calls]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--check", action="store_true", help="compare instead of writing; exit 1 on a difference"
    )
    check = options.parse_args().check
    cases = [
        {"dialect": dialect, "text": text, "calls": parse(dialect, text)}
        for dialect, texts in CASES.items()
        for text in texts
    ]
    golden = {"mlx_lm": __version__, "tools": [entry["function"] for entry in TOOLS], "cases": cases}
    text = json.dumps(golden, indent=1, ensure_ascii=False) + "\n"
    if not check:
        GOLDEN.write_text(text)
    elif text != GOLDEN.read_text():
        raise SystemExit(f"{GOLDEN.name} differs")


if __name__ == "__main__":
    main()
