/** Files as the kubelet mounts them. */
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * Writes `files` (name → text) to `folder` as a mounted secret or projected volume has them: mode 0644, in a folder of their own,
 * reached through links. Returns the folder, to be mounted.
 */
export async function mountable(folder: string, files: Record<string, string>): Promise<string> {
  const data = "..2026_11_22_14_00_00.1";
  await mkdir(join(folder, data), { recursive: true });
  await symlink(data, join(folder, "..data"));
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, data, name), text, { mode: 0o644 });
    await symlink(join("..data", name), join(folder, name));
  }
  return folder;
}
