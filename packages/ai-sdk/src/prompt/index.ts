export { toMessages } from "./to-messages.ts";
