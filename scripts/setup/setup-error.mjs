/** A reason set-up cannot go on that its reader can do something about; shown without a stack. */
export class SetupError extends Error {
  /** @param {string} message - what happened and what to do, ready for the screen */
  constructor(message) {
    super(message);
    this.name = "SetupError";
  }
}
