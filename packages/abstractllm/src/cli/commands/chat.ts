import { Chat } from "../chat/chat.ts";
import { beginChat } from "../chat/chat-state.ts";
import type { Command } from "../command.ts";
import { MODEL_FLAGS, SAMPLING_FLAGS } from "../flags.ts";
import { interruptible } from "../interrupts.ts";
import { openLLM } from "../open-llm.ts";
import { StatusLine } from "../status-line.ts";
import { UsageError } from "../usage-error.ts";

/** Talks with a model. */
export const chatCommand: Command = {
  name: "chat",
  arguments: "",
  summary: "Talk with a model",
  notes: [
    "/help shows the commands of the chat. Ctrl-C stops an answer; at the prompt, twice, it ends the chat.",
    "From a pipe each line is a message.",
  ],
  flags: [...MODEL_FLAGS, ...SAMPLING_FLAGS],
  examples: [
    "abstractllm chat --model mlx-community/SmolLM2-135M-Instruct",
    'abstractllm chat --system "Answer in one sentence."',
  ],
  run: async (flags, terminal) => {
    if (flags.positionals.length > 0) {
      throw new UsageError("chat takes no prompt; abstractllm generate answers one");
    }
    const status = new StatusLine(terminal);
    const llm = await openLLM(flags, status);
    try {
      await interruptible(async (signal) => {
        status.show("Loading the model…");
        await llm.load({ signal });
      });
      status.clear();
      return await new Chat(beginChat(llm), terminal, status).run();
    } finally {
      status.clear();
      await llm.unload();
    }
  },
};
