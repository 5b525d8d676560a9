import { existsSync } from "node:fs";
import { join } from "node:path";
import { fetchWheels } from "../setup/fetch-wheels.mjs";

/**
 * Fetches a wheel of another platform, once.
 *
 * @param {import("../setup/context.mjs").Context} context
 * @param {import("../setup/step.mjs").Task} task
 * @param {string} requirement - pinned, for example `mlx-cpu==0.32.4`
 * @param {string} [platform] - of the wheel, for example `manylinux_2_35_aarch64`; default this machine's
 * @param {(name: string) => boolean} [keep] - which files to unpack; default all
 * @returns {Promise<string>} the folder it is unpacked in
 */
export async function foreignWheel(context, task, requirement, platform, keep) {
  const name = `${requirement.replace("==", "-")}-${platform ?? "here"}`;
  const folder = join(context.stateDir, "portability", "wheels", name);
  const request = { requirements: [requirement], ...(platform && { platform }), ...(keep && { keep }) };
  if (!existsSync(folder)) await fetchWheels(context, task.log, folder, request, task.show);
  return folder;
}
