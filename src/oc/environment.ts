/** All of the environment that oc gets. */

/** What is passed on from the service's own environment; proxies in both cases, as programs differ. */
const PASSED_ON = [
  "PATH",
  "KUBERNETES_SERVICE_HOST",
  "KUBERNETES_SERVICE_PORT",
  "KUBERNETES_SERVICE_PORT_HTTPS",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
] as const;

/** Where PATH is not set: where programs are on Debian and macOS. */
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export interface OcPlace {
  home: string;
  tmp: string;
  kubeconfig?: string | undefined;
  /** What a program of our own is told besides. */
  besides?: Readonly<Record<string, string>>;
}

/** Makes oc's environment from the service's: what it needs to reach its cluster, folders of its own, and nothing else. */
export function ocEnvironment(
  own: Readonly<Record<string, string | undefined>>,
  place: OcPlace,
): Record<string, string> {
  const env: Record<string, string> = { ...place.besides };
  for (const name of PASSED_ON) {
    const value = own[name];
    if (value !== undefined) env[name] = value;
  }
  env["PATH"] ??= DEFAULT_PATH;
  env["HOME"] = place.home;
  env["TMPDIR"] = place.tmp;
  env["LANG"] = "C.UTF-8";
  if (place.kubeconfig !== undefined) env["KUBECONFIG"] = place.kubeconfig;
  return env;
}
