export { ResponseStore } from "./response-store.ts";
export type { ResponseObject, StoredResponse } from "./stored-response.ts";
