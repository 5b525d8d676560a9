r"""Writes what transformers' Jinja environment renders for small templates, one language feature each.

python oracle/tokenizer/snippets.py [--check]
"""

import argparse
import json

import jinja2
from templates import GOLDENS, freeze_clock
from transformers.utils import chat_template_utils

NOW = "2026-03-05T14:07:09"

VARIABLES = {
    "s": "Hello, Wörld",
    "e": "a👍🏽b𝔘",
    "n": 7,
    "f": 2.5,
    "neg": -7,
    "none": None,
    "t": True,
    "xs": [3, 1, 2],
    "names": ["b", "A", "c", "a"],
    "d": {"b": 1, "a": [1, {"x": None}], "items": 5, "é": "ü"},
    "people": [
        {"n": "Zoe", "a": 3, "k": {"x": 1}},
        {"n": "amy", "a": 1},
        {"n": "Bob", "a": 2, "k": {"x": 2}},
    ],
    "q": 'it\'s "x"\n\t\\ \x01\u00a0\u2028é',
}

TEMPLATES = r"""
{{ none }}|{{ t }}|{{ not t }}|{{ missing }}|{{ f }}|{{ 1.0 }}|{{ 1e20 }}|{{ 1e-7 }}|{{ 10 / 4 }}|{{ 8 / 4 }}
{{ xs }}|{{ d }}|{{ (1,) }}|{{ () }}|{{ (1, 'a') }}|{{ {} }}|{{ [] }}|{{ {'a': 1.0, 'b': (1, 2)} }}
{{ q }}|{{ [q] }}|{{ ["it's"] }}|{{ ['"'] }}|{{ ["\"'"] }}
{{ d.items() | list }}|{{ d.keys() }}|{{ d.values() | list }}
{{ d.b }}|{{ d.get('zz') }}|{{ d.get('zz', 3) }}|{{ d.get('b') }}|{{ d.zz }}|{{ d.zz is defined }}
{{ d.zz.y }}
{{ missing.x }}
{{ missing() }}
{{ s[0] }}|{{ s[-1] }}|{{ s[1:4] }}|{{ s[::-1] }}|{{ s[::2] }}|{{ s[20] }}|{{ s[-3:] }}|{{ s[:-3] }}
{{ e | length }}|{{ e[1] }}|{{ e[::-1] }}|{{ e[1:3] }}|{{ e.find('b') }}
{{ xs[0] }}|{{ xs[-1] }}|{{ xs[1:] }}|{{ xs[::-1] }}|{{ xs[9] }}|{{ xs[-2:] }}|{{ xs[:9] }}|{{ xs[2:0:-1] }}
{{ 7 // 2 }}|{{ neg // 2 }}|{{ neg % 3 }}|{{ 7 % -3 }}|{{ 2 ** 10 }}|{{ 2 ** -1 }}|{{ 7.5 // 2 }}|{{ -2 ** 2 }}|{{ 2 ** 3 ** 2 }}
{{ 1 + 2 * 3 - 4 }}|{{ (1 + 2) * 3 }}|{{ 1 + 1.0 }}|{{ t + 1 }}|{{ 'a' * 3 }}|{{ 3 * 'ab' }}|{{ [1] * 2 }}|{{ [1] + [2] }}
{{ 'a' ~ 1 ~ none ~ t ~ missing ~ [1] }}
{{ 'a' + 1 }}
{{ 1 + 'a' }}
{{ none + 1 }}
{{ 1 == 1.0 }}|{{ 1 == true }}|{{ '1' == 1 }}|{{ none == missing }}|{{ [1, 2] == [1, 2] }}|{{ [1] == (1,) }}|{{ {'a': 1} == {'a': 1.0} }}|{{ '' == 0 }}
{{ 1 < 2 < 3 }}|{{ 1 < 3 < 2 }}|{{ 'a' < 'b' }}|{{ [1, 2] < [1, 3] }}|{{ 1 != 2 }}
{{ 1 < 'a' }}
{{ 'a' in 'cat' }}|{{ 'z' not in 'cat' }}|{{ 1 in xs }}|{{ 'b' in d }}|{{ 5 in xs }}|{{ 'x' in missing }}|{{ [1] in [[1]] }}
{{ 1 in 'a1' }}
{{ 1 in none }}
{{ t and 0 }}|{{ 0 or 'x' }}|{{ not 0 }}|{{ none or missing or 'z' }}|{{ t and not none }}|{{ '' and missing.x }}
{{ 'a' if t else 'b' }}|{{ 'a' if none }}|{{ ('a' if none) is defined }}|{{ 1 if 0 else 2 if 0 else 3 }}
{% set x = 1 %}{% for i in xs %}{% set x = i %}{{ x }}{% endfor %}{{ x }}
{% set ns = namespace(x=1) %}{% for i in xs %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}|{{ ns }}
{% for i in xs %}{{ seen }}{% set seen = i %}{% endfor %}
{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set c = 1, 2 %}{{ c }}
{% set a, b = [1] %}
{% set a, b = [1, 2, 3] %}
{% set d.x = 1 %}
{% set x %}  hi {{ n }} {% endset %}[{{ x }}]{% set y | trim | upper %}  hi {% endset %}[{{ y }}]
{% for i in xs %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}
{% for i in xs %}{{ i }}{% if i == 1 %}{% break %}{% endif %}-{% endfor %}
{% for i in xs %}{{ i }}{% if i == 1 %}{% continue %}{% endif %}-{% else %}none{% endfor %}
{% for i in [] %}x{% else %}empty{% endfor %}|{% for i in missing %}x{% else %}empty{% endfor %}
{% for i in none %}x{% endfor %}
{% for i in xs if i > 1 %}{{ i }}/{{ loop.length }} {% else %}none{% endfor %}{% for i in xs if i > 9 %}x{% else %}none{% endfor %}
{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for k in d %}{{ k }}{% endfor %}
{% for a, b in [[1, 2], [3, 4]] %}{{ a }}{{ b }}{% endfor %}
{% for c in 'añ👍' %}{{ c }}.{% endfor %}
{% for i in xs %}{{ loop.cycle('a', 'b') }}{{ loop.changed(i > 1) }}{% endfor %}
{% for i in [1, [2, [3]]] recursive %}{% if i is iterable %}({{ loop(i) }}){% else %}{{ i }}@{{ loop.depth }}{% endif %}{% endfor %}
{% for i in range(3) %}{{ i }}{% endfor %}|{{ range(5) | list }}|{{ range(1, 9, 3) | list }}|{{ range(3, 0, -1) | list }}|{{ range(3) }}
{{ range(200000) }}
{% macro m(a, b=2, c=b) %}{{ a }}-{{ b }}-{{ c }}{% endmacro %}{{ m(1) }}|{{ m(1, 3) }}|{{ m(c=5, a=0) }}|{{ m() }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(z=2) }}
{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }}
{% macro m() %}<{{ caller(5) }}>{% endmacro %}{% call(x) m() %}in {{ x }}{% endcall %}
{% macro f(n) %}{% if n > 0 %}{{ n }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}|{{ f.name }}|{{ f.arguments }}
{% set v = 1 %}{% macro m() %}{{ v }}{% endmacro %}{% set v = 2 %}{{ m() }}
{% for i in xs %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}
{% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}{{ a }}
{% filter upper %}abc{{ n }}{% endfilter %}
{% if n == 7 %}a{% elif n %}b{% else %}c{% endif %}{% if missing %}x{% endif %}{% if [] %}x{% else %}y{% endif %}
{% raw %}{{ not }} {% if %}{% endraw %}|{# comment #}|{#- c -#} x
  {% if t %}
    indented
  {% endif %}
  tail
a {%- if t %} b {% endif -%} c
a
  {%+ if t %}
 b
  {%- endif +%}
 c
{{- s -}}   x   {{- n }}
line 1
    {# comment alone #}
line 2
{{ s }}
   {{ s }}
<{{ ' a ' }}>
{{ s.upper() }}|{{ s.lower() }}|{{ s.title() }}|{{ 'hELLO wORLD'.capitalize() }}|{{ 'ab'.swapcase() }}|{{ "it's ok".title() }}
{{ '  x '.strip() }}|{{ 'xxaxx'.strip('x') }}|{{ ' x '.lstrip() }}|{{ ' x '.rstrip() }}|{{ 'abcab'.strip('ab') }}|{{ '\x1c\x85 a\ufeff'.strip() | length }}
{{ 'a,b,c'.split(',') }}|{{ ' a  b '.split() }}|{{ 'a,b,c'.split(',', 1) }}|{{ 'a,b,c'.rsplit(',', 1) }}|{{ ' a b  c '.split(none, 1) }}|{{ 'a\nb\r\nc'.splitlines() }}|{{ ' a b  c '.rsplit(maxsplit=1) }}
{{ 'a'.split('') }}
{{ s.replace('l', 'L') }}|{{ s.replace('l', 'L', 1) }}|{{ 'aaa'.replace('', '-') }}|{{ s | replace('l', 'L', 1) }}
{{ s.startswith('He') }}|{{ s.endswith(('x', 'ld')) }}|{{ s.startswith('l', 2) }}|{{ s.find('z') }}|{{ s.index('W') }}|{{ s.count('l') }}|{{ s.rfind('l') }}
{{ '-'.join(['a', 'b']) }}|{{ 'a-b-c'.partition('-') }}|{{ 'a-b-c'.rpartition('-') }}|{{ 'x'.center(5, '*') }}|{{ 'x'.ljust(3) }}|{{ 'x'.rjust(3) }}|{{ '7'.zfill(3) }}|{{ '-7'.zfill(4) }}
{{ '-'.join([1]) }}
{{ 'abc'.removeprefix('a') }}|{{ 'abc'.removesuffix('c') }}|{{ '12'.isdigit() }}|{{ 'ab'.isalpha() }}|{{ 'a1'.isalnum() }}|{{ ' '.isspace() }}|{{ 'AB'.isupper() }}|{{ 'Ab Cd'.istitle() }}
{{ '{} {1} {x}'.format(1) }}
{{ '{} {}'.format(1, 'a') }}|{{ '{0}{1}{0}'.format(1, 2) }}|{{ '{a:>5}|{a:<5}|{a:^5}|{b:.2f}|{b:05.1f}'.format(a='x', b=3.14159) }}|{{ '{{}}'.format() }}|{{ '{:,}'.format(1234567) }}
{{ '%s is %d %.2f %5s|%-5s|%05d %r %%' | format('a', 3, 2.5, 'b', 'c', 42, 'd') }}|{{ '%s' % 'x' }}|{{ '%s-%s' % (1, 2) }}
{{ xs.append(1) }}
{{ xs.append }}
{{ d.update({'z': 1}) }}
{{ xs.index(1) }}|{{ xs.count(1) }}|{{ xs.copy() }}
{{ xs | sort }}|{{ xs | sort(reverse=true) }}|{{ names | sort }}|{{ names | sort(case_sensitive=true) }}|{{ people | sort(attribute='a') | map(attribute='n') | list }}
{{ xs | first }}|{{ xs | last }}|{{ [] | first }}|{{ xs | min }}|{{ xs | max }}|{{ xs | sum }}|{{ people | sum(attribute='a') }}|{{ [] | max }}
{{ xs | join }}|{{ xs | join(', ') }}|{{ people | join('/', attribute='n') }}|{{ 'abc' | join('-') }}|{{ [none, missing] | join('-') }}
{{ xs | length }}|{{ s | count }}|{{ d | length }}|{{ missing | length }}
{{ none | length }}
{{ xs | reverse | list }}|{{ s | reverse }}
{{ [1, 2, 1, 'A', 'a'] | unique | list }}|{{ xs | batch(2) | list }}|{{ xs | batch(2, 0) | list }}|{{ [1,2,3,4,5] | slice(2) | list }}
{{ people | selectattr('a', 'gt', 1) | map(attribute='n') | join(',') }}|{{ people | rejectattr('k') | map(attribute='n') | list }}|{{ xs | select('odd') | list }}|{{ xs | reject('equalto', 1) | list }}|{{ people | selectattr('k.x', 'defined') | list | length }}
{{ people | selectattr('k') | map(attribute='k.x') | list }}|{{ names | map('upper') | list }}|{{ people | map(attribute='zz', default='-') | list }}|{{ xs | map('string') | join }}
{{ people | groupby('a') | list | length }}|{% for g, l in people | groupby('a') %}{{ g }}{{ l | length }}{% endfor %}|{{ d | dictsort | map(attribute=0) | list }}|{{ {'b': 1, 'a': 2} | dictsort(by='value') }}
{{ d | items | list }}|{{ missing | items | list }}
{{ xs | tojson }}|{{ d | tojson }}|{{ q | tojson }}|{{ [1.0, 2.5, true, none] | tojson }}|{{ {} | tojson }}|{{ (1, 2) | tojson }}|{{ '<&>' | tojson }}
{{ d | tojson(indent=2) }}|{{ [] | tojson(indent=2) }}|{{ d | tojson(ensure_ascii=true) }}|{{ d | tojson(sort_keys=true) }}|{{ d | tojson(separators=(',', ':')) }}|{{ [[1], {}] | tojson(indent=4) }}
{{ missing | tojson }}
{{ (xs | map('string')) | tojson }}
{{ d.items() | tojson }}
{{ s | upper }}|{{ s | lower }}|{{ 'hello wORLD foo-bar' | title }}|{{ 'hELLO' | capitalize }}|{{ '  x ' | trim }}|{{ 'xax' | trim('x') }}|{{ none | trim }}|{{ missing | trim }}|{{ 5 | string }}|{{ xs | string | length }}
{{ 'a\nb\n\nc' | indent }}|{{ 'a\nb' | indent(2, true) }}|{{ 'a\n\nb' | indent(2, blank=true) }}|{{ 'a\nb' | indent('> ') }}
{{ '12' | int }}|{{ '12.7' | int }}|{{ 'x' | int }}|{{ 'x' | int(5) }}|{{ 'ff' | int(base=16) }}|{{ 3.9 | int }}|{{ -3.9 | int }}|{{ '1.5' | float }}|{{ 'x' | float }}|{{ 3 | float }}|{{ none | int }}
{{ 2.5 | round }}|{{ 3.5 | round }}|{{ 2.675 | round(2) }}|{{ 2.1 | round(method='ceil') }}|{{ 42 | round }}|{{ 1234.5 | round(-2) }}|{{ -3 | abs }}|{{ 2.0 | abs }}
{{ missing | default('x') }}|{{ none | default('x') }}|{{ '' | default('x', true) }}|{{ none | d('x', boolean=true) }}|{{ 0 | default(5) }}
{{ '<b>&"\'' | e }}|{{ '<b>' | safe }}|{{ '<b>' | safe + '<i>' }}|{{ '<i>' + ('<b>' | safe) }}|{{ ('<b>' | safe) ~ '<i>' }}|{{ '<b>' | escape | escape }}|{{ '<b>' | escape | forceescape }}
{{ 'a b c' | wordcount }}|{{ 'x' | center(5) }}|{{ '<p>a <b>b</b></p>' | striptags }}|{{ 'a b&c/é' | urlencode }}|{{ 'hello world foo' | truncate(9) }}|{{ 'hello world foo' | truncate(9, true, '…') }}
{{ s is string }}|{{ n is number }}|{{ n is integer }}|{{ f is float }}|{{ t is boolean }}|{{ t is number }}|{{ none is none }}|{{ d is mapping }}|{{ xs is sequence }}|{{ s is iterable }}|{{ s is sequence }}|{{ xs is mapping }}|{{ missing is undefined }}|{{ n is callable }}|{{ range is callable }}
{{ n is odd }}|{{ n is even }}|{{ n is divisibleby 7 }}|{{ n is divisibleby(2) }}|{{ n is eq 7 }}|{{ n is ne 7 }}|{{ n is gt 3 }}|{{ n is lessthan 3 }}|{{ 1 is in xs }}|{{ 'a' is lower }}|{{ 'A' is upper }}|{{ n is not none }}|{{ t is true }}|{{ t is sameas true }}|{{ 'upper' is filter }}|{{ 'zz' is filter }}|{{ 'odd' is test }}
{{ xs is sequence and xs is not string }}|{{ not n is odd }}|{{ n is defined and n }}
{{ 'a' 'b' "c" }}|{{ 'tab\there' }}|{{ '\u00e9\x41\101' }}|{{ '\d' }}|{{ "a\
b" }}|{{ 'a\'b' }}
{{ 1_000 }}|{{ 0x1f }}|{{ 1.5e3 }}|{{ 007 }}
{{ {'a': 1, 'b': {'c': [1, 2]}}.b.c[1] }}|{{ {1: 'x'}[1] }}|{{ {true: 'y'}[1] }}|{{ {none: 'z'}[none] }}
{{ "}}" }}|{{ {'a': {'b': 1}} }}|{{ '%}' }}|{{ "{{" }}|{{ {} }}
{{ strftime_now('%Y-%m-%d %H:%M:%S %d %b %B %A %a %y %j %I %p %% %-d %e') }}
{{ raise_exception('No way: ' ~ n) }}
{{ dict(a=1, b=2) }}|{{ dict([['x', 1]]) }}|{{ dict({'q': 1}, z=2) }}
{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}|{% set j = joiner(', ') %}{{ j() }}a{{ j() }}b
{{ namespace(__class__=1) }}
{% set ns = namespace() %}{% set ns.__x = 1 %}
{{ s.__class__ }}|{{ s.__len__ }}|{{ d.__class__.__mro__ }}
{{ s.nothing() }}
{{ [1, 2, 3][1] }}|{{ (1, 2)[0] }}|{{ xs.0 }}|{{ people[0]['k']['x'] }}|{{ people.0.k.x }}
{% generation %}{% set inner = 1 %}gen{% endgeneration %}|{{ inner }}
{% print n, s %}|{{ n, s }}
{% block b %}block{{ n }}{% endblock %}|{% block c scoped %}c{% endblock c %}
{% autoescape true %}{{ n }}{% endautoescape %}
{{ n | unknown_filter }}
{% if none %}{{ n | unknown_filter }}{% endif %}ok
{{ n is unknown_test }}
{% unknown %}
{% if n %}
{{ n
{{ 1 + }}
{% for x %}{% endfor %}
{% endif %}
{% break %}
{{ (1 }}
{% set true = 1 %}
{% include 'x' %}
{% import 'x' as y %}
{% extends 'x' %}
{% do xs.append(1) %}
{{ people | map(attribute='__class__') | list }}|{{ (people | first).__class__ }}
{{ people | attr('append') }}|{{ 'x' | attr('__class__') }}|{{ 'x' | attr('upper') is callable }}
{{ [1, 2] | list }}|{{ 'ab' | list }}|{{ d | list }}|{{ missing | list }}
{{ ['x'] * 0 }}|{{ 'x' * -1 }}|{{ 1 / 0 }}
{{ 10 // 0 }}
{{ f // 1 }}|{{ 3.0 }}|{{ 1e16 }}|{{ 123456789.123 }}|{{ 0.1 + 0.2 }}|{{ 1e-5 }}|{{ 100000.0 * 10 }}
{%- for message in people -%}
{{ message.n }}
{% if not loop.last %}, {% endif %}
{%- endfor -%}
<|im_start|>{{ 'user' + '\n' + s + '<|im_end|>' + '\n' }}
{% set content = 'a</think>b' %}{{ content.split('</think>')[-1].lstrip('\n') }}|{{ content.split('</think>')[0].rstrip('\n').split('<think>')[-1] }}
{% set ns = namespace(is_first=true, l=[]) %}{% set ns.l = ns.l + [1] %}{{ ns.l }}{{ ns.is_first }}
{{ 'x' if 'a' in d else 'y' }}|{{ 'a' in d.keys() }}|{{ 1 in d.values() }}|{{ ('b', 1) in d.items() }}
{{ (d.items() | list)[0][0] }}|{{ d.items() | map('first') | list }}|{{ d.keys() | sort }}
{{ xs | map('int') | sum }}|{{ [[1, 2], [3]] | sum(start=[]) }}|{{ [1.5, 2] | sum }}
{{ -n }}|{{ +n }}|{{ - f }}|{{ -n | abs }}|{{ 5 - -3 }}|{{ not n == 7 }}
"""


def split_templates(text: str) -> list[str]:
    """One template a line; a line that leaves a tag or an indented block open goes on to the next."""
    templates: list[str] = []
    multi = {
        "  {% if t %}": 4,
        "a": 4,
        "line 1": 3,
        "{{ 'a' 'b' \"c\" }}": 2,
        "{%- for message": 4,
        "{{ s }}": 1,
    }
    lines = text.strip("\n").split("\n")
    at = 0
    while at < len(lines):
        count = next(
            (
                n
                for start, n in multi.items()
                if lines[at] == start or (len(start) > 4 and lines[at].startswith(start))
            ),
            1,
        )
        templates.append("\n".join(lines[at : at + count]))
        at += count
    return templates


def render(template: str) -> str:
    try:
        compiled = chat_template_utils._compile_jinja_template(template)
        return "ok: " + compiled.render(**VARIABLES)
    except Exception as error:
        # unknown filters and tests fail on reading in Python and on use in the library, so kinds are not compared
        return f"raised: {error}" if type(error) is jinja2.exceptions.TemplateError else "error"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    freeze_clock(NOW)
    cases = [[template, render(template)] for template in split_templates(TEMPLATES)]
    written = (
        json.dumps({"now": NOW, "variables": VARIABLES, "cases": cases}, ensure_ascii=False, indent=1) + "\n"
    )
    path = GOLDENS / "snippets.json"
    if not arguments.check:
        path.write_text(written)
    elif path.read_text() != written:
        raise SystemExit("snippets.json differs from a new run")
    print(len(cases), "snippets")


if __name__ == "__main__":
    main()
