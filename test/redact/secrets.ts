/** Places in which secrets stand, as must-gathers have them. None of these is or was one: all are made up here. */

const base64 = (text: string) => Buffer.from(text).toString("base64");
const url = (text: string) => Buffer.from(text).toString("base64url");

/** A kind of secret: what it looks like, from a number. */
export interface Kind {
  name: string;
  make: (seed: number) => string;
}

/** A place: a text around a secret. */
export interface Spot {
  name: string;
  /** Kinds that stand there; all that are texts of one line unless said. */
  kinds?: readonly string[];
  put: (secret: string) => string;
}

function letters(seed: number, length: number, alphabet: string): string {
  let state = seed * 2654435761 + 12345;
  let text = "";
  while (text.length < length) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    text += alphabet[(state >>> 8) % alphabet.length];
  }
  return text;
}

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const ALPHABET = LOWER + LOWER.toUpperCase() + "0123456789";

export const KINDS: readonly Kind[] = [
  { name: "password", make: (seed) => `P4-${letters(seed, 12, ALPHABET)}` },
  {
    name: "jwt",
    make: (seed) =>
      `${url('{"alg":"RS256","kid":"1"}')}.${url(`{"iss":"kubernetes","n":${seed}}`)}.${
        letters(seed, 43, ALPHABET)
      }`,
  },
  { name: "openshift-token", make: (seed) => `sha256~${letters(seed, 43, ALPHABET)}` },
  { name: "aws-id", make: (seed) => `AKIA${letters(seed, 16, ALPHABET.slice(26))}`.toUpperCase() },
  { name: "gcp-key", make: (seed) => `AIza${letters(seed, 35, ALPHABET)}` },
  { name: "github-token", make: (seed) => `ghp_${letters(seed, 36, ALPHABET)}` },
  {
    name: "private-key",
    make: (seed) =>
      "-----BEGIN RSA PRIVATE KEY-----\n" +
      [1, 2, 3].map((line) => letters(seed + line, 64, ALPHABET)).join("\n") +
      "\n-----END RSA PRIVATE KEY-----",
  },
];

const KNOWN = ["jwt", "openshift-token", "aws-id", "gcp-key", "github-token"];
const LINES = [...KNOWN, "password"];
const indent = (text: string, by: string) => text.replaceAll("\n", `\n${by}`);

/** What stands alone in these is known by its form; the others are known by their names. */
export const SPOTS: readonly Spot[] = [
  { name: "alone in a log", kinds: KNOWN, put: (s) => `I1122 main.go:12] got ${s} from cache\n` },
  { name: "YAML", put: (s) => `spec:\n  password: ${s}\n  user: admin\n` },
  { name: "YAML, quoted", put: (s) => `spec:\n  dbPassword: "${s}"\n  user: admin\n` },
  { name: "YAML, single quotes", put: (s) => `- clientSecret: '${s}'\n  user: admin\n` },
  { name: "YAML, block", put: (s) => `spec:\n  token: |-\n    ${s}\n  user: admin\n` },
  { name: "YAML, CRLF", put: (s) => `spec:\r\n  api_key: ${s}\r\n  user: admin\r\n` },
  { name: "JSON", put: (s) => `{"user":"admin","password":"${s}","x":1}` },
  { name: "JSON, pretty", put: (s) => `{\n  "user": "admin",\n  "apiKey": "${s}"\n}\n` },
  {
    name: "JSON in JSON",
    put: (s) => JSON.stringify({ a: JSON.stringify({ user: "admin", token: s, x: 1 }) }),
  },
  {
    name: "JSON in JSON in JSON",
    put: (s) => JSON.stringify({ a: JSON.stringify({ b: JSON.stringify({ passwd: s, x: 1 }) }) }),
  },
  { name: "environment", put: (s) => `HOME=/root\nDB_PASSWORD=${s}\nTERM=xterm\n` },
  { name: "ini", put: (s) => `[default]\naws_secret_access_key = ${s}\nregion = x\n` },
  {
    name: "variable of a pod",
    put: (s) =>
      `    env:\n    - name: DB_PASSWORD\n      value: ${s}\n    - name: A\n      value: b\n`,
  },
  {
    name: "variable of a pod, JSON",
    put: (s) => `{"env":[{"name":"OVIRT_PASSWORD","value":"${s}"},{"name":"A","value":"b"}]}`,
  },
  { name: "log", put: (s) => `level=info msg="log in" user=admin password=${s} host=x\n` },
  { name: "log of Go", put: (s) => `connecting {URL:https://x User:admin Password:${s} Port:1}\n` },
  { name: "command line", put: (s) => `+ virt-v2v --password ${s} -o kubevirt\n` },
  { name: "command line, =", put: (s) => `ps: app --api-token=${s} --verbose\n` },
  { name: "arguments", put: (s) => `args: ["--client-secret", "${s}", "--x"]\n` },
  { name: "arguments, YAML", put: (s) => `  - --password\n  - ${s}\n  - --x\n` },
  { name: "bearer", put: (s) => `> Authorization: Bearer ${s}\n> Accept: */*\n` },
  { name: "bearer in a command", put: (s) => `curl -H "Authorization: Bearer ${s}" https://x/\n` },
  { name: "basic", put: (s) => `> Authorization: Basic ${base64(`admin:${s}`)}\n` },
  { name: "URL", kinds: ["password"], put: (s) => `GET https://admin:${s}@vcenter/sdk failed\n` },
  { name: "URL, query", put: (s) => `GET https://x/y?a=1&access_token=${s}&b=2 HTTP/1.1\n` },
  {
    name: "URL, encoded",
    put: (s) => `x?next=https%3A%2F%2Fh%2F%3Ftoken%3D${encodeURIComponent(s)}%26a%3D1\n`,
  },
  { name: "XML", put: (s) => `<api><user>admin</user><password>${s}</password></api>\n` },
  {
    name: "SOAP",
    put: (s) => `<ns:password xsi:type="xsd:string">${s}</ns:password><locale>en</locale>`,
  },
  { name: "curl", put: (s) => `curl -k -u admin@internal:${s} https://ovirt/api\n` },
  { name: "docker", put: (s) => `{"auths":{"quay.io":{"auth":"${base64(`me:${s}`)}"}}}` },
  {
    name: "base64",
    put: (s) => `userData: ${base64(`#cloud-config\nuser: admin\npassword: ${s}\nx: y\n`)}\nb: 1\n`,
  },
  {
    name: "Secret",
    put: (s) =>
      `apiVersion: v1\ndata:\n  user: YWRtaW4=\n  x: ${
        base64(s)
      }\nkind: Secret\nmetadata:\n  name: a\n`,
  },
  {
    name: "Secret, kind first",
    put: (s) =>
      `kind: Secret\nmetadata:\n  name: a\n  labels:\n    a: b\ndata:\n  x: ${base64(s)}\n`,
  },
  {
    name: "Secret, stringData",
    put: (s) =>
      `kind: Secret\nstringData:\n  config: |\n    a: b\n    ${s}\n  x: "${s}"\ntype: Opaque\n`,
  },
  {
    name: "Secret in a list",
    put: (s) =>
      `apiVersion: v1\nitems:\n- apiVersion: v1\n  data:\n    a: b\n  kind: ConfigMap\n` +
      `- apiVersion: v1\n  data:\n    x: ${base64(s)}\n  kind: Secret\n  metadata:\n    name: a\n` +
      `kind: List\n`,
  },
  {
    name: "Secret in a SecretList",
    put: (s) =>
      `apiVersion: v1\nitems:\n- data:\n    x: ${
        base64(s)
      }\n  metadata:\n    name: a\n  type: Opaque\nkind: SecretList\n`,
  },
  {
    name: "Secret, JSON",
    put: (s) => `{"apiVersion":"v1","data":{"u":"YWRtaW4=","x":"${base64(s)}"},"kind":"Secret"}`,
  },
  {
    name: "Secret, pretty JSON, kind first",
    put: (s) =>
      JSON.stringify({ kind: "Secret", metadata: { name: "a" }, data: { x: base64(s) } }, null, 2),
  },
  {
    name: "Secret in an annotation",
    put: (s) =>
      `metadata:\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: |\n      ${
        JSON.stringify({ apiVersion: "v1", data: { x: base64(s) }, kind: "Secret" })
      }\n  name: a\n`,
  },
  {
    name: "Secret in an annotation, JSON",
    put: (s) =>
      JSON.stringify({
        "last-applied-configuration":
          JSON.stringify({ data: { a: "YQ==", x: base64(s) }, kind: "Secret", type: "Opaque" }) +
          "\n",
      }),
  },
  {
    name: "kubeconfig",
    put: (s) =>
      `users:\n- name: admin\n  user:\n    client-key-data: ${base64(s)}\n    token: ${s}\n`,
  },
  { name: "key, alone", kinds: ["private-key"], put: (s) => `cat key\n${s}\ndone\n` },
  { name: "key, YAML", kinds: ["private-key"], put: (s) => `key: |\n  ${indent(s, "  ")}\nb: 1\n` },
  { name: "key, JSON", kinds: ["private-key"], put: (s) => JSON.stringify({ k: s, b: 1 }) },
  {
    name: "key, CRLF",
    kinds: ["private-key"],
    put: (s) => `a\r\n${s.replaceAll("\n", "\r\n")}\r\nb\r\n`,
  },
  { name: "key, base64", kinds: ["private-key"], put: (s) => `a: ${base64(s)}\nb: 1\n` },
  {
    name: "key, URL-encoded",
    kinds: ["private-key"],
    put: (s) => `k=${s.replaceAll(" ", "%20").replaceAll("\n", "%0A")}&b=1\n`,
  },
];

/** Kinds that stand in a place. */
export function kindsIn({ kinds }: Spot): Kind[] {
  return KINDS.filter(({ name }) => (kinds ?? LINES).includes(name));
}

/** What must not be left of a secret: it itself, in base64, percent-encoded, and a key's lines. */
export function traces(secret: string): string[] {
  const lines = secret.split("\n").filter((line) => !line.startsWith("-----"));
  return [
    ...new Set([
      ...lines,
      ...lines.map(encodeURIComponent),
      base64(secret),
      base64(`admin:${secret}`),
    ]),
  ];
}

/** Texts without a secret, that look as if: none of their bytes may change. */
export const CLEAN: readonly string[] = [
  "image: quay.io/konveyor/forklift-controller@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n",
  '  uid: 0d6f4b0e-5a4f-4f0e-9f43-6a3a3b1a2c11\n  resourceVersion: "1234567"\n',
  "forklift-controller-7d9c8b5f6d-x2x4z   2/2   Running   0   12d\n",
  "secretName: vsphere-credentials\nsecretRef:\n  name: x\nimagePullSecrets:\n- name: default-dockercfg-x2x4z\n",
  "volumes:\n- name: token\n  secret:\n    defaultMode: 420\n    secretName: a-token-abcde\n- projected:\n    sources:\n    - serviceAccountToken:\n        expirationSeconds: 3607\n        path: token\n",
  'automountServiceAccountToken: true\ntokenExpirationSeconds: 3600\npassword: ""\ntoken: null\n',
  "type: kubernetes.io/service-account-token\n",
  'E1122 failed to get secret: secrets "a" not found\nE1122 invalid bearer token, token lookup failed\nE1122 could not refresh token: Unauthorized\n',
  "image: quay.io/org/token:latest\nimage: registry/secret:v1.2.3\n",
  "apiVersion: v1\ndata:\n  config.yaml: |\n    a: b\n  mode: aGFsbG8=\nkind: ConfigMap\nmetadata:\n  name: a\n",
  '{"apiVersion":"v1","data":{"mode":"aGFsbG8="},"kind":"ConfigMap","metadata":{"name":"a"}}\n',
  "PWD=/must-gather\nOLDPWD=/root\nPATH=/usr/bin\n",
  "GET https://10.0.0.1:6443/api/v1/namespaces/openshift-mtv/secrets?limit=500 200 OK in 12 milliseconds\n",
  'rules:\n- apiGroups: [""]\n  resources: [secrets, tokenreviews]\n  verbs: [get]\n',
  "tokens: 12\nmax-tokens=4096 passwordAuthentication yes\n",
  "caBundle: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUI=\n-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUb\n-----END CERTIFICATE-----\n",
  'time="2026-11-22T10:00:00Z" level=info msg="Reconciling Secret" Secret="openshift-mtv/vsphere-creds" controller=plan\n',
  "valueFrom:\n  secretKeyRef:\n    key: password\n    name: db\nenv:\n- name: PASSWORD_FILE\n  value: /etc/x\n",
  "token=$(TOKEN) password=${PASSWORD} --password-file=/etc/p --token-file /var/run/t\n",
  "Mounts:\n  /var/run/secrets/kubernetes.io/serviceaccount from kube-api-access-abcde (ro)\n  DB_PASSWORD:  <set to the key 'password' in secret 'db'>  Optional: false\n",
  "basic authentication failed, Basic auth is off; bearer authentication\n",
];
