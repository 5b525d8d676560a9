/** @typedef {{ isTTY?: boolean, columns?: number, write(text: string): unknown }} Screen */

const frames = ["|", "/", "-", "\\"];

/** One line on the screen per step: live on a terminal, plain elsewhere. */
export class Progress {
  /** @param {Screen} screen */
  constructor(screen) {
    this.screen = screen;
    this.detail = "";
  }

  /**
   * Runs one step under its line.
   *
   * @template T
   * @param {string} title
   * @param {() => Promise<T>} action
   * @returns {Promise<T>}
   */
  async step(title, action) {
    const start = performance.now();
    this.detail = "";
    const isLive = this.screen.isTTY === true;
    if (!isLive) this.screen.write(`${title} ... `);
    const ticker = isLive ? setInterval(() => this.#draw(title, start), 100) : undefined;
    let outcome = "failed";
    try {
      const result = await action();
      outcome = "done";
      return result;
    } finally {
      clearInterval(ticker);
      const line = `${outcome} (${elapsed(start)})`;
      this.screen.write(isLive ? `\r\x1b[K${title} ... ${line}\n` : `${line}\n`);
    }
  }

  /** Shows what the step is doing now; only a live screen has room for it. @param {string} text */
  show(text) {
    this.detail = text;
  }

  /** @param {string} title @param {number} start */
  #draw(title, start) {
    const frame = frames[Math.floor(performance.now() / 100) % frames.length];
    const line = `${frame} ${title} ... ${elapsed(start)} ${printable(this.detail)}`;
    this.screen.write(`\r\x1b[K${line.slice(0, (this.screen.columns ?? 80) - 1)}`);
  }
}

/** @param {number} start */
function elapsed(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}

/** Drops what would move the cursor. @param {string} text */
function printable(text) {
  return [...text].filter((character) => character >= " " && character !== "\x7f").join("");
}
