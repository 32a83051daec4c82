/** A kubeconfig as the service is pointed at one. */

/** One of one cluster with this certificate authority (a path), whose user shows what is given, by default nothing. */
export function kubeconfig(
  server: string,
  authority: string,
  user: Readonly<Record<string, unknown>> = {},
): string {
  return JSON.stringify({
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "main",
    "contexts": [{ name: "main", context: { cluster: "main", user: "me" } }],
    "clusters": [{ name: "main", cluster: { server, "certificate-authority": authority } }],
    "users": [{ name: "me", user }],
  });
}
