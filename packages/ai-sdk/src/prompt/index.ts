export type { GivenMessage } from "./given-message.ts";
export { toMessages } from "./to-messages.ts";
