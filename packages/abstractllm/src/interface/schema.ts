/** A JSON Schema, draft 2020-12 unless its `$schema` says otherwise. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What a Standard Schema says about a value. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** What is wrong with a value, and where. */
export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/**
 * A schema of a validation library, such as zod 4.2 or later: it validates and it gives its JSON Schema.
 *
 * @see https://standardschema.dev
 */
export interface StandardSchema<Output = unknown, Input = unknown> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly jsonSchema?:
      | { readonly input: (options: { readonly target: "draft-2020-12" }) => Record<string, unknown> }
      | undefined;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** The shape of a value: a schema of a validation library, or a JSON Schema. */
export type Schema = StandardSchema | JsonSchema;

/** The type of the values that a schema accepts; `unknown` where the schema's type does not tell. */
export type InferSchema<S> = S extends StandardSchema<infer Output> ? Output : FromJsonSchema<S>;

/**
 * The type of what there is so far of a value that is being written: everything may be missing, texts go as far as they go,
 * and nothing is transformed yet. `unknown` where the schema's type does not tell.
 */
export type InferPartial<S> =
  S extends StandardSchema<unknown, infer Input> ? Unfinished<Input> : Unfinished<FromJsonSchema<S>>;

/** `true` for `unknown` and `any`, of which nothing is known. */
type IsUnknown<T> = unknown extends T ? true : false;

type Unfinished<T> =
  IsUnknown<T> extends true
    ? unknown
    : T extends string
      ? string
      : T extends readonly (infer Item)[]
        ? Unfinished<Item>[]
        : T extends object
          ? { [Name in keyof T]?: Unfinished<T[Name]> }
          : T;

type FromJsonSchema<S> = S extends { const: infer Value }
  ? Value
  : S extends { enum: readonly (infer Value)[] }
    ? Value
    : S extends { anyOf: readonly (infer Choice)[] } | { oneOf: readonly (infer Choice)[] }
      ? FromJsonSchema<Choice>
      : S extends { type: readonly (infer Type)[] }
        ? OfType<Type, S>
        : S extends { type: infer Type }
          ? OfType<Type, S>
          : unknown;

type OfType<Type, S> = Type extends "string"
  ? string
  : Type extends "number" | "integer"
    ? number
    : Type extends "boolean"
      ? boolean
      : Type extends "null"
        ? null
        : Type extends "array"
          ? (S extends { items: infer Item } ? FromJsonSchema<Item> : unknown)[]
          : Type extends "object"
            ? ObjectOf<S>
            : unknown;

type ObjectOf<S> = S extends { properties: infer Properties }
  ? Flat<
      { -readonly [Name in keyof Properties & Required<S>]: FromJsonSchema<Properties[Name]> } & {
        -readonly [Name in Exclude<keyof Properties, Required<S>>]?: FromJsonSchema<Properties[Name]>;
      }
    >
  : Record<string, unknown>;

type Required<S> = S extends { required: readonly (infer Name)[] } ? Name : never;

type Flat<T> = { [Name in keyof T]: T[Name] };
