/** Devices and streams of this thread. */
import { native } from "./native.ts";

/** Where operations run. */
export type Device = "cpu" | "gpu";

const idOf = (device: Device): number => (device === "gpu" ? 1 : 0);

/** Whether this libmlx can compute on `device` on this machine. */
export const isDeviceAvailable = (device: Device): boolean => native.isDeviceAvailable(idOf(device));

/** Where operations of this thread run unless told otherwise: the GPU where there is one. */
export const defaultDevice = (): Device => (native.defaultDevice() === 1 ? "gpu" : "cpu");

/**
 * Where operations of this thread run from now on.
 *
 * @throws {MlxError} `unavailable` when there is no such device
 */
export const setDefaultDevice = (device: Device): void => native.setDefaultDevice(idOf(device));

/** Facts about a device: `device_name`, `architecture`, and sizes in bytes where the backend has them. */
export const deviceInfo = (device: Device = defaultDevice()): Record<string, string | number> =>
  native.deviceInfo(idOf(device));

/** Which backend this libmlx was built with. */
export const backend = (): "metal" | "cuda" | "cpu" => {
  if (native.isMetalAvailable()) return "metal";
  return native.isCudaAvailable() ? "cuda" : "cpu";
};

/** A queue of work on a device; streams belong to the thread that made them. */
export interface Stream {
  readonly index: number;
  readonly device: Device;
}

/** Another queue of operations on a device. */
export const newStream = (device: Device): Stream => ({ index: native.newStream(idOf(device)), device });

/** The queue that operations on a device go into unless told otherwise. */
export const defaultStream = (device: Device): Stream => ({
  index: native.defaultStream(idOf(device)),
  device,
});

const use = ({ index, device }: Stream): void => {
  native.setDefaultDevice(idOf(device));
  native.setDefaultStream(index, idOf(device));
};

/** Runs the operations built in `fn` on a stream, or on a device's default stream. */
export const stream = <T>(target: Stream | Device, fn: () => T): T => {
  const device = defaultDevice();
  const next = typeof target === "string" ? defaultStream(target) : target;
  const previousOnTarget = defaultStream(next.device);
  use(next);
  try {
    return fn();
  } finally {
    use(previousOnTarget);
    native.setDefaultDevice(idOf(device));
  }
};
