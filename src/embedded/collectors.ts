import type { Collector, Source } from "./collector.ts";
import { commandLines } from "./command-lines.ts";
import { file, logFile } from "./file.ts";
import { cgroups, environmentNames, machineFacts, made, runtimeFacts } from "./machine.ts";
import { logOf, program } from "./program.ts";
import { answer, journalRecords, listing } from "./service-state.ts";

/** One file of the result; the first of its sources that gives something counts: Debian's first, then macOS's. */
function collect(file: string, about: string, ...sources: Source[]): Collector {
  return { file, about, sources };
}

/**
 * Everything that is collected, what matters most first: the time for all of it is bounded.
 *
 * @param since entries of the journal older than this are left out
 */
export function collectors(since: Date | undefined): Collector[] {
  return [
    ...service,
    ...system,
    ...resources,
    ...processes,
    ...network,
    ...storage,
    ...logs(since),
  ];
}

const service = [
  collect(
    "service/journal-listing.txt",
    "names, sizes and times in the service's journal folder",
    made("list JOURNAL_PATH", (context) => listing(context, "JOURNAL_PATH")),
  ),
  collect(
    "service/journal-records.txt",
    "which of the service's records were copied to service/journal/",
    made("copy the newest 200 records of JOURNAL_PATH, of at most 64 KiB each", journalRecords),
  ),
  collect(
    "service/work-listing.txt",
    "names, sizes and times in the service's work folder",
    made("list WORK_PATH", (context) => listing(context, "WORK_PATH")),
  ),
  ...["healthz", "readyz", "metrics"].map((route) =>
    collect(
      `service/${route}.txt`,
      `what the service answers at /${route}`,
      made(`GET /${route} from the service at PORT`, (context) => answer(context, `/${route}`)),
    )
  ),
];

const system = [
  collect("system/machine.json", "the machine in short", made("node:os", machineFacts)),
  collect(
    "system/runtime.json",
    "what the gatherer itself runs on",
    made("node:process", runtimeFacts),
  ),
  collect("system/uname.txt", "kernel and machine", program("uname", "-a")),
  collect("system/os-release.txt", "operating system", file("/etc/os-release"), program("sw_vers")),
  collect("system/uptime.txt", "time up, users, load", program("uptime")),
  collect("system/date.txt", "date and time zone", program("date")),
  collect("system/clock.txt", "clock and its synchronisation", program("timedatectl")),
  collect("system/id.txt", "the user that gathered this", program("id")),
  collect("system/logins.txt", "who is logged in", program("who")),
  collect(
    "system/environment-names.txt",
    "names of the gatherer's environment variables, without values",
    made("the names in our own environment", environmentNames),
  ),
  collect(
    "system/kernel-command-line.txt",
    "how the kernel was started",
    file("/proc/cmdline"),
    program("nvram", "boot-args"),
  ),
  collect(
    "system/kernel-modules.txt",
    "loaded kernel modules",
    file("/proc/modules"),
    program("kmutil", "showloaded"),
  ),
  collect("system/sysctl.txt", "kernel settings", program("sysctl", "-a")),
  collect(
    "system/units.txt",
    "system services and their state",
    program("systemctl", "list-units", "--all", "--no-pager", "--plain"),
    program("launchctl", "list"),
  ),
  collect(
    "system/failed-units.txt",
    "system services that failed",
    program("systemctl", "list-units", "--failed", "--no-pager", "--plain"),
  ),
  collect(
    "system/packages.txt",
    "installed packages",
    program(
      "dpkg-query",
      "-W",
      "-f",
      "${Package} ${Version} ${Architecture} ${db:Status-Status}\\n",
    ),
    program("rpm", "-qa"),
    program("apk", "info", "-v"),
    program("pkgutil", "--pkgs"),
  ),
];

const resources = [
  collect("resources/meminfo.txt", "memory", file("/proc/meminfo"), program("vm_stat")),
  collect("resources/cpuinfo.txt", "processors", file("/proc/cpuinfo"), program("sysctl", "hw")),
  collect("resources/lscpu.txt", "processors in short", program("lscpu")),
  collect(
    "resources/vmstat.txt",
    "memory, paging and processors over a second",
    program("vmstat", "1", "2"),
    program("iostat", "-c", "2"),
  ),
  collect("resources/load.txt", "load", file("/proc/loadavg"), program("sysctl", "vm.loadavg")),
  collect("resources/swaps.txt", "swap", file("/proc/swaps"), program("sysctl", "vm.swapusage")),
  ...["cpu", "io", "memory"].map((kind) =>
    collect(
      `resources/pressure-${kind}.txt`,
      `how long tasks waited for ${kind}`,
      file(`/proc/pressure/${kind}`),
    )
  ),
  collect(
    "resources/limits.txt",
    "limits of the gatherer's own process",
    file("/proc/self/limits"),
    program("launchctl", "limit"),
  ),
  collect(
    "resources/cgroup.txt",
    "bounds and counters of the cgroups we are in",
    made("read /proc/self/cgroup and the cgroups it names", cgroups),
  ),
  collect("resources/open-files.txt", "open files of the system", file("/proc/sys/fs/file-nr")),
];

const processes = [
  collect(
    "processes/processes.txt",
    "all processes with their use of resources, by name",
    program("ps", "-A", "-o", "pid,ppid,pgid,user,stat,pcpu,pmem,rss,vsz,etime,time,comm"),
  ),
  collect(
    "processes/command-lines.txt",
    "command lines of all processes, secrets masked",
    made("read /proc/*/cmdline", commandLines),
    program("ps", "-A", "-ww", "-o", "pid,command"),
  ),
];

const network = [
  collect(
    "network/addresses.txt",
    "interfaces, addresses and counters",
    program("ip", "-s", "address"),
    program("ifconfig", "-a"),
    file("/proc/net/dev"),
  ),
  collect(
    "network/routes.txt",
    "routes",
    program("ip", "route", "show", "table", "all"),
    program("netstat", "-rn"),
    file("/proc/net/route"),
  ),
  collect("network/rules.txt", "rules of routing", program("ip", "rule")),
  collect("network/neighbours.txt", "neighbours", program("ip", "neigh"), program("arp", "-an")),
  collect(
    "network/sockets.txt",
    "sockets and who holds them",
    program("ss", "-tuanp"),
    program("netstat", "-an"),
    file("/proc/net/tcp"),
  ),
  collect(
    "network/socket-summary.txt",
    "counts of sockets",
    program("ss", "-s"),
    file("/proc/net/sockstat"),
  ),
  collect(
    "network/statistics.txt",
    "counters of protocols",
    file("/proc/net/snmp"),
    program("netstat", "-s"),
  ),
  collect("network/resolv.conf", "name servers", file("/etc/resolv.conf")),
  collect("network/hosts", "names known to this machine", file("/etc/hosts")),
  collect("network/nsswitch.conf", "where names are looked up", file("/etc/nsswitch.conf")),
  collect(
    "network/firewall.txt",
    "packet filter",
    program("nft", "list", "ruleset"),
    program("iptables-save"),
    program("pfctl", "-sr"),
  ),
];

const storage = [
  collect("storage/df.txt", "space of file systems", program("df", "-Pk")),
  collect("storage/df-inodes.txt", "inodes of file systems", program("df", "-i")),
  collect(
    "storage/mounts.txt",
    "mounted file systems",
    file("/proc/self/mountinfo"),
    program("mount"),
  ),
  collect(
    "storage/block-devices.txt",
    "block devices",
    program("lsblk", "-o", "NAME,MAJ:MIN,SIZE,RO,TYPE,FSTYPE,MOUNTPOINT"),
    program("diskutil", "list"),
  ),
  collect("storage/fstab", "file systems to mount", file("/etc/fstab")),
  collect(
    "storage/diskstats.txt",
    "counters of disks",
    file("/proc/diskstats"),
    program("iostat", "-d"),
  ),
];

function logs(since: Date | undefined): Collector[] {
  const newer = since === undefined ? [] : [`--since=@${Math.floor(since.getTime() / 1000)}`];
  const journal = (...args: string[]) =>
    logOf("journalctl", "--no-pager", "-o", "short-iso", ...args, ...newer);
  return [
    collect("logs/journal.txt", "newest entries of the journal", journal("-n", "10000"), macLog()),
    collect(
      "logs/journal-warnings.txt",
      "newest warnings and worse",
      journal("-n", "1000", "-p", "warning"),
    ),
    collect(
      "logs/boots.txt",
      "boots that the journal knows",
      logOf("journalctl", "--no-pager", "--list-boots"),
    ),
    collect("logs/dmesg.txt", "messages of the kernel", logOf("dmesg")),
    ...[
      "syslog",
      "messages",
      "kern.log",
      "daemon.log",
      "system.log",
      "dpkg.log",
      "apt/history.log",
      "dnf.log",
    ]
      .map((name) =>
        collect(`logs/${name}`, `the newest 2 MiB of /var/log/${name}`, logFile(`/var/log/${name}`))
      ),
  ];
}

/** macOS answers slowly: two minutes of its log are what fits into the time. */
function macLog(): Source {
  return logOf("log", "show", "--last", "2m", "--style", "compact");
}
