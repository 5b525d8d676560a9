/** Parses the signatures of the operation table. */

export interface Parameter {
  name: string;
  type: ParameterType;
  optional: boolean;
  defaultValue?: string;
}

export interface Signature {
  name: string;
  parameters: Parameter[];
  result: "array" | "arrays";
}

const parameterTypes = [
  "array",
  "operand",
  "arrays",
  "int",
  "uint",
  "float",
  "bool",
  "string",
  "dtype",
  "shape",
  "ints",
  "axes",
] as const;

export type ParameterType = (typeof parameterTypes)[number];

const isParameterType = (text: string): text is ParameterType =>
  (parameterTypes as readonly string[]).includes(text);

const parseParameter = (text: string, where: string): Parameter => {
  const match = /^(\w+): (\w+)(\?)?(?: = (.+))?$/.exec(text.trim());
  const [, name, type, optional, defaultValue] = match ?? [];
  if (name === undefined || type === undefined || !isParameterType(type)) {
    throw new Error(`${where}: cannot read the parameter "${text}"`);
  }
  return {
    name,
    type,
    optional: optional !== undefined,
    ...(defaultValue === undefined ? {} : { defaultValue }),
  };
};

export const parseSignature = (text: string): Signature => {
  const match = /^(\w+)\((.*)\) -> (arrays?)$/.exec(text);
  const [, name, list, result] = match ?? [];
  if (name === undefined || list === undefined || (result !== "array" && result !== "arrays")) {
    throw new Error(`cannot read the signature "${text}"`);
  }
  return { name, parameters: list === "" ? [] : list.split(",").map((p) => parseParameter(p, name)), result };
};

export const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
