// Whether a GPU can be here at all, known without its driver: asking Dawn starts every driver that is installed, software ones too, and Dawn
// and Mesa then write lines of their own to the terminal.
import { readdirSync } from 'node:fs';

/** What drivers of hardware put under /dev on Linux: the kernel's own (DRM, which AMD, Intel, Nouveau, virtio and most others use), NVIDIA's, WSL's, and those of phones and boards. */
const DEVICES = /^(dri|nvidia|nvhost|nvmap|nvgpu|dxg|kfd|kgsl|mali|pvr|galcore)/;

/** True on a Linux without the device of any GPU's driver; false where that cannot be said. `list` gives the names in /dev. */
export function lacksGpu(system: string = process.platform, list = () => readdirSync('/dev')): boolean {
  if (system !== 'linux') return false;
  try {
    return !list().some((name) => DEVICES.test(name));
  } catch {
    return false;
  }
}
