import { afterEach, describe, expect, it } from "vitest";
import { TemplateError } from "../../src/errors.ts";
import { renderChatTemplate } from "../../src/tokenizer/index.ts";
import { renderTemplate } from "../../src/tokenizer/jinja/index.ts";

const variables = {
  messages: [{ role: "user", content: "Hi" }],
  text: "text",
  list: [1, 2, 3],
  dict: { a: 1 },
  n: 5,
};

const prototypes = [Object, Array, Function, String, Number, Map, Promise].map(({ prototype }) => ({
  prototype,
  names: JSON.stringify([...Object.getOwnPropertyNames(prototype)].sort()),
}));

afterEach(() => {
  for (const { prototype, names } of prototypes) {
    expect(JSON.stringify([...Object.getOwnPropertyNames(prototype)].sort())).toBe(names);
  }
  expect(Reflect.get({}, "polluted")).toBeUndefined();
});

/** Ways out of a sandbox: each gives an error or nothing, never an object of the host. */
const ESCAPES = [
  "{{ ''.__class__.__mro__[1].__subclasses__() }}",
  "{{ ''['__class__']['__mro__'] }}",
  "{{ text.__class__.__base__ }}",
  "{{ [].__class__.__bases__[0] }}",
  "{{ {}.__class__ }}",
  "{{ ().__class__.__bases__ }}",
  "{{ messages.__init__.__globals__ }}",
  "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
  "{{ joiner.__init__.__globals__ }}",
  "{{ namespace.__init__.__globals__ }}",
  "{{ lipsum.__globals__['os'] }}",
  "{{ range.constructor('return process')() }}",
  "{{ range.constructor.constructor('return process')() }}",
  "{{ text.constructor.constructor('return process')() }}",
  "{{ ''.constructor('x') }}",
  "{{ [].constructor.prototype.polluted }}",
  "{{ dict.constructor.constructor('return globalThis')() }}",
  "{{ messages.constructor.constructor('return this')() }}",
  "{{ messages[0].constructor.constructor('return this')() }}",
  "{{ raise_exception.constructor('return process')() }}",
  "{{ strftime_now.call.constructor('return process')() }}",
  "{{ loop.constructor }}{% for i in list %}{{ loop.constructor.constructor('return process')() }}{% endfor %}",
  "{% macro m() %}{% endmacro %}{{ m.constructor.constructor('return process')() }}",
  "{% macro m() %}{% endmacro %}{{ m.call.constructor('return process')() }}",
  "{{ process.env }}",
  "{{ process.mainModule.require('child_process').execSync('id') }}",
  "{{ globalThis.process.pid }}",
  "{{ require('fs') }}",
  "{{ eval('1') }}",
  "{{ Function('return process')() }}",
  "{{ import('fs') }}",
  "{{ self.__init__.__globals__ }}",
  "{{ self._TemplateReference__context }}",
  "{{ config.items() }}",
  "{{ request.application.__globals__ }}",
  "{{ dict.__proto__.polluted }}",
  "{{ text | attr('__class__') | attr('__mro__') }}",
  "{{ text | attr('constructor') }}",
  "{{ text | attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
  "{{ list | map(attribute='__class__') | list | tojson }}",
  "{{ list | map(attribute='constructor') | first }}",
  "{{ list | selectattr('constructor') | list }}",
  "{{ list | sort(attribute='__proto__') }}",
  "{{ list | groupby('constructor.prototype') }}",
  "{{ '{0.__class__}'.format(text) }}",
  "{{ '{a.__init__.__globals__}'.format(a=text) }}",
  "{{ '{0[constructor]}'.format(text) }}",
  "{{ '%(constructor)s' % dict(a=1) }}",
  "{{ list.append(4) }}",
  "{{ list.sort() }}",
  "{{ dict.pop('a') }}",
  "{{ messages[0].update({'role': 'system'}) }}",
  "{{ messages[0].clear() }}",
  "{% set messages.polluted = 1 %}",
  "{% set ns = namespace() %}{% set ns.__proto__ = {'polluted': 1} %}",
  "{% set ns = namespace(__proto__={'polluted': 1}) %}",
  "{% set ns = namespace({'__class__': 1}) %}",
  "{% include '/etc/passwd' %}",
  "{% import 'os' as os %}",
  "{% from 'os' import path %}",
  "{% extends '/etc/passwd' %}",
  "{% do list.append(1) %}",
  "{{ text.encode().__class__ }}",
  "{{ text.translate({}) }}",
  "{{ caller.__globals__ }}",
] as const;

describe("a hostile template", () => {
  it.each(ESCAPES)("never gets out by %s", (template) => {
    let output = "";
    try {
      output = renderTemplate(template, structuredClone(variables));
    } catch (error) {
      expect(TemplateError.isInstance(error)).toBe(true);
    }
    // an undefined attribute prints as nothing; nothing of the host ever prints
    expect(output).not.toMatch(/function|native code|\[object|process|uid=|root:|polluted|class '/);
    expect(output.length).toBeLessThan(60);
  });

  it("never changes the data it is given", () => {
    const data = structuredClone(variables);
    renderTemplate(
      "{% set messages = [] %}{% for m in list %}{% set m = 1 %}{% endfor %}{% set n = 9 %}",
      data,
    );
    expect(data).toEqual(variables);
  });

  it("never runs a getter, and refuses functions, in what it is given", () => {
    const trap = Object.defineProperty({}, "x", {
      enumerable: true,
      get: () => {
        throw new Error("ran");
      },
    });
    expect(renderTemplate("{{ data }}{{ data.x }}", { data: trap })).toBe("{}");
    expect(() => renderTemplate("{{ f() }}", { f: () => 1 })).toThrow(TemplateError);
  });

  it("takes names of Object.prototype for ordinary keys", () => {
    const data = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": "c", "toString": "t"}');
    const template =
      "{{ data['__proto__']['polluted'] }}{{ data.constructor }}{{ data.toString }}{{ hasOwnProperty }}";
    expect(renderTemplate(template, { data })).toBe("1ct");
  });
});

/** Templates that want too much, with the limit that stops them. */
const BOMBS: [template: string, limit: string | undefined][] = [
  [
    "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}{% endfor %}{% endfor %}{% endfor %}",
    undefined,
  ],
  ["{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}", undefined],
  ["{{ 'a' * 1000000000 }}", "output"],
  ["{{ ('a' * 8000000) * 2 }}", "output"],
  ["{{ ['aaaaaaaaaa' * 1000] * 1000000 }}", undefined],
  ["{{ [0] * 1000000000 }}", undefined],
  [
    "{% set ns = namespace(x='aaaa') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "output",
  ],
  [
    "{% set ns = namespace(x='aaaa') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "output",
  ],
  [
    "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    undefined,
  ],
  [
    "{% set ns = namespace(x=[]) %}{% for i in range(200) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
    "depth",
  ],
  [
    "{% set ns = namespace(x=1) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson }}",
    undefined,
  ],
  [
    "{% set ns = namespace(x=1, y=1) %}{% for i in range(50) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
    undefined,
  ],
  ["{% set ns = namespace() %}{% set ns.self = ns %}{{ ns }}", "depth"],
  ["{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "depth"],
  ["{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}", "depth"],
  ["{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}", undefined],
  ["{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}", "depth"],
  [
    "{{ range(100000) | join('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa') }}",
    "output",
  ],
  ["{{ ('a' * 100000).replace('a', 'a' * 100000) }}", "output"],
  ["{{ ('a' * 100000) | replace('', 'a' * 1000) }}", "output"],
  ["{{ ('a\n' * 100000) | indent(1000) }}", "output"],
  ["{{ 'a' | center(1000000000) }}", "output"],
  ["{{ 'a'.ljust(1000000000) }}", "output"],
  ["{{ '7'.zfill(1000000000) }}", "output"],
  ["{{ ('&' * 4000000) | e }}", "output"],
  [
    "{% for i in range(100000) %}{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' }}{% endfor %}",
    "output",
  ],
  ["{% set s = 'a' * 4000000 %}{% for i in range(10000) %}{% set t = s.upper() %}{% endfor %}", undefined],
  [
    "{% set s = 'ab' * 2000000 %}{% for i in range(10000) %}{% if s.split('a') | length == 0 %}{% endif %}{% endfor %}",
    undefined,
  ],
  [
    "{% set s = 'a' * 4000000 %}{% for i in range(10000) %}{% if 'b' in s %}{% endif %}{% endfor %}",
    undefined,
  ],
  ["{% set l = range(100000) | list %}{% for i in l %}{% if -1 in l %}{% endif %}{% endfor %}", undefined],
  ["{% set l = range(100000) | list %}{% for i in l %}{% set x = l | sort %}{% endfor %}", undefined],
  ["{% set l = range(50000) | list %}{{ l | unique | list | length }}", undefined],
  [
    "{% set l = range(100000) | list %}{% for i in l %}{% set x = l | reverse | list | tojson %}{% endfor %}",
    undefined,
  ],
  ["{% set l = range(100000) | list %}{% for i in l %}{% set x = l[::-1] %}{% endfor %}", undefined],
  [
    "{{ range(100000) | map('string') | map('upper') | join | length * (range(100000) | sum) }}{% for i in range(100000) %}{{ range(100000) | sum }}{% endfor %}",
    undefined,
  ],
];

const MEMORY_BYTES = 600 * 2 ** 20;

describe("a template that wants too much", () => {
  it.each(BOMBS)("is stopped: %s", (template, limit) => {
    const before = process.memoryUsage().rss;
    let error: unknown;
    try {
      renderTemplate(template, {}, { maxTimeMs: 60_000 });
    } catch (thrown) {
      error = thrown;
    }
    expect(TemplateError.isInstance(error)).toBe(true);
    if (TemplateError.isInstance(error)) {
      expect(error.details.problem).toBe("limit");
      if (limit !== undefined) expect(error.details.limit).toBe(limit);
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(MEMORY_BYTES);
  });

  it("is stopped by time where steps would allow more", () => {
    const template = "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}";
    // it would take hours
    expect(() => renderTemplate(template, {}, { maxSteps: Number.MAX_SAFE_INTEGER, maxTimeMs: 50 })).toThrow(
      "50 ms",
    );
  });

  it.each([
    ["1 MiB of text", "a".repeat(2 ** 20 + 1)],
    ["deep parentheses", `{{ ${"(".repeat(20_000)}1${")".repeat(20_000)} }}`],
    ["deep lists", `{{ ${"[".repeat(20_000)}${"]".repeat(20_000)} }}`],
    ["deep dicts", `{{ ${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)} }}`],
    ["many nots", `{{ ${"not ".repeat(50_000)}1 }}`],
    ["many signs", `{{ ${"- ".repeat(50_000)}1 }}`],
    ["long sums", `{{ 1${"+1".repeat(100_000)} }}`],
    ["long ands", `{{ 1${" and 1".repeat(50_000)} }}`],
    ["long filters", `{{ 1${"|string".repeat(50_000)} }}`],
    ["long attributes", `{{ a${".b".repeat(100_000)} }}`],
    ["long calls", `{{ a${"()".repeat(100_000)} }}`],
    ["long conditions", `{{ 1${" if 1 else 1".repeat(20_000)} }}`],
    ["deep ifs", `${"{% if 1 %}".repeat(5000)}${"{% endif %}".repeat(5000)}`],
    ["deep loops", `${"{% for a in b %}".repeat(5000)}${"{% endfor %}".repeat(5000)}`],
    ["deep targets", `{% for ${"(".repeat(20_000)}a${")".repeat(20_000)} in b %}{% endfor %}`],
  ])("is refused for its form: %s", (_, template) => {
    expect(() => renderTemplate(template, {})).toThrow(TemplateError);
  });

  it("is read in linear time, however its tags break off", () => {
    for (const part of ["{{", "{%", "{#", "{{ '", '{{ "\\', "{% raw %}", "{%- ", "   {%", "{{ 1 ~"]) {
      const start = process.cpuUsage();
      try {
        renderTemplate(part.repeat(Math.floor(2 ** 19 / part.length)), {});
      } catch (error) {
        expect(TemplateError.isInstance(error)).toBe(true);
      }
      // time of the processor itself: dozens of times what it takes
      expect(process.cpuUsage(start).user).toBeLessThan(10e6);
    }
  });

  it("can flood its own error only so far", () => {
    try {
      renderTemplate("{{ raise_exception('x' * 1000000) }}", {});
      expect.unreachable();
    } catch (error) {
      expect(TemplateError.isInstance(error) && error.message.length).toBeLessThanOrEqual(2000);
    }
  });

  it("leaves data nested too deeply outside", () => {
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(() => renderTemplate("{{ deep }}", { deep })).toThrow(TemplateError);
  });

  it("does not stop a long conversation", () => {
    const template =
      "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m.content | trim + '<|im_end|>\\n' }}{% endfor %}";
    const messages = Array.from({ length: 1000 }, (_, i) => ({
      role: "user",
      content: `${i} ${"word ".repeat(200)}`,
    }));
    expect(renderChatTemplate(template, { messages }).length).toBeGreaterThan(1_000_000);
  });
});
