export {
  type Check,
  callback,
  either,
  flag,
  integer,
  type JsonObject,
  kindOf,
  listOf,
  nonEmptyText,
  number,
  object,
  oneOf,
  positiveInteger,
  text,
} from "./check.ts";
export {
  type Fields,
  HARMLESS,
  readFields,
  readValue,
  refused,
  required,
} from "./read-fields.ts";
