"""What the manifests of docs/deploy run, and what is wrong with them: manifests.py problems|words|variables FILE [--all]

problems   sentences, one a line; none is good
words      the executable's arguments, one a line
variables  NAME=VALUE, one a line; what the engine fills in is "from the engine", what is commented out counts with --all

Kubernetes and Compose are YAML, a systemd unit is lines, Nomad's is HCL, of which the part that it uses is read here.
"""
import re
import sys

import yaml

USER = 65532
PERMANENT, WORTH_IT = {1, 2, 5}, {4, 143}
# What follows the grace: cancelling, the report, the way out.
WAY_OUT = 10
UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600}


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)([a-z]*)", str(text)).groups()
    return int(number) * UNITS[unit or "s"]


class Checks:
    """Everything that was demanded and is not so."""

    def __init__(self):
        self.problems = []

    def demand(self, condition, sentence):
        if not condition:
            self.problems.append(sentence)

    def same(self, what, got, wanted):
        self.demand(got == wanted, f"{what} is {got}, not {wanted}")


class Deployed:
    """One use of the executable: its words, its variables, how long it is given, what is made of its exit codes."""

    def __init__(self, words, variables, patience, retried=None, stopped=None):
        self.words, self.variables, self.patience = words, variables, patience
        self.retried, self.stopped = retried, stopped

    def option(self, name):
        return self.words[self.words.index(name) + 1]

    def check(self, checks):
        checks.demand(self.patience >= seconds(self.option("--grace")) + WAY_OUT, "killed before it has left by itself")
        checks.demand("--deadline" in self.words and "--wait" in self.words, "no --deadline or no --wait")
        for name, value in self.variables.items():
            checks.demand("://" not in value, f"{name} is an address: a secret belongs into a file")
        for name in ("SHARED_DATABASE_URL_FILE", "TENANT_DATABASE_URL_FILE"):
            checks.demand(name in self.variables, f"no {name}")
        for stream in ("SHARED", "TENANT"):
            ahead = self.variables.get(f"PROFILE_MIGRATE_{stream}_ON_AHEAD")
            checks.demand(ahead in ("refuse", "allow"), f"no choice of {stream}_ON_AHEAD")
        if self.retried is not None:
            checks.same("what is tried again", sorted(self.retried), sorted(WORTH_IT))
            checks.same("what stops it", sorted(self.stopped), sorted(PERMANENT))


# ---------------------------------------------------------------------------------------------------------- Kubernetes

HOOKS = {
    "helm.sh/hook": {"pre-install,pre-upgrade"},
    "helm.sh/hook-weight": {"0"},
    "helm.sh/hook-delete-policy": {"before-hook-creation,hook-succeeded"},
    "argocd.argoproj.io/hook": {"PreSync"},
    "argocd.argoproj.io/sync-wave": {"0"},
    "argocd.argoproj.io/hook-delete-policy": {"BeforeHookCreation"},
}


def check_container(checks, container):
    name, security = container["name"], container.get("securityContext", {})
    for key, wanted in (
        ("runAsNonRoot", True), ("runAsUser", USER), ("runAsGroup", USER), ("allowPrivilegeEscalation", False),
        ("readOnlyRootFilesystem", True), ("capabilities", {"drop": ["ALL"]}), ("seccompProfile", {"type": "RuntimeDefault"}),
    ):
        checks.same(f"{name}: {key}", security.get(key), wanted)
    resources = container.get("resources", {})
    checks.same(f"{name}: requests", sorted(resources.get("requests", {})), ["cpu", "memory"])
    checks.demand("memory" in resources.get("limits", {}), f"{name}: no limit of memory")


def check_mounts(checks, pod, container):
    """Each file that a variable names is an item of a secret that is mounted there."""
    secrets = {v["name"]: v["secret"] for v in pod["volumes"]}
    files = set()
    for mount in container["volumeMounts"]:
        secret = secrets[mount["name"]]
        checks.same("the secret's mode", oct(secret["defaultMode"]), "0o440")
        checks.same("readOnly of the mount", mount.get("readOnly"), True)
        files |= {mount["mountPath"] + "/" + item["path"] for item in secret["items"]}
    named = {e["value"] for e in container["env"] if e["name"].endswith("_FILE")}
    checks.same("the files that variables name", sorted(named), sorted(files))


def check_pod(checks, pod, container):
    checks.same("fsGroup", pod["securityContext"].get("fsGroup"), USER)
    checks.same("automountServiceAccountToken", pod.get("automountServiceAccountToken"), False)
    for each in pod.get("initContainers", []) + pod["containers"]:
        check_container(checks, each)
    check_mounts(checks, pod, container)


def codes(rules, action):
    return {v for r in rules if r["action"] == action for v in r.get("onExitCodes", {}).get("values", [])}


def check_job(checks, job, deployed):
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    checks.same("apiVersion", job["apiVersion"], "batch/v1")
    checks.same("restartPolicy", pod["restartPolicy"], "Never")
    checks.demand(spec["backoffLimit"] > 0, "nothing is tried again")
    enough = seconds(deployed.option("--deadline")) + deployed.patience
    checks.demand(spec["activeDeadlineSeconds"] > enough, "the Job ends before its first attempt may")
    for rule in spec["podFailurePolicy"]["rules"]:
        checks.demand(("onExitCodes" in rule) != ("onPodConditions" in rule), "a rule with two conditions, or with none")
        if "onExitCodes" in rule:
            checks.same("containerName", rule["onExitCodes"]["containerName"], pod["containers"][0]["name"])
            checks.same("operator", rule["onExitCodes"]["operator"], "In")
    ignored = [c["type"] for r in spec["podFailurePolicy"]["rules"] if r["action"] == "Ignore" for c in r["onPodConditions"]]
    checks.same("what is ignored", ignored, ["DisruptionTarget"])
    annotations = job["metadata"].get("annotations", {})
    for key, value in annotations.items():
        checks.demand(value in HOOKS.get(key, ()), f"{key}: {value}")
    # A hook's controller finds the Job by its name, and removes it.
    checks.demand(("name" in job["metadata"]) == bool(annotations), "a hook has a name, another Job generateName")


def kubernetes(checks, manifest):
    pod = manifest["spec"]["template"]["spec"]
    if manifest["kind"] == "Deployment":
        checks.same("apiVersion", manifest["apiVersion"], "apps/v1")
        checks.same("selector", manifest["spec"]["selector"]["matchLabels"], manifest["spec"]["template"]["metadata"]["labels"])
        checks.demand("activeDeadlineSeconds" not in pod, "activeDeadlineSeconds ends the application, too")
        [container], rules = pod["initContainers"], None
    else:
        checks.same("kind", manifest["kind"], "Job")
        [container], rules = pod["containers"], manifest["spec"]["podFailurePolicy"]["rules"]
    checks.same("command", container["command"], ["/profile-migrate"])
    check_pod(checks, pod, container)
    variables = {e["name"]: e.get("value", "from the engine") for e in container["env"]}
    deployed = Deployed(container["args"], variables, pod["terminationGracePeriodSeconds"],
                        rules and codes(rules, "Count"), rules and codes(rules, "FailJob"))
    if rules:
        check_job(checks, manifest, deployed)
    return deployed


# ------------------------------------------------------------------------------------------------------------- Compose


def compose(checks, manifest):
    service = manifest["services"]["migrate"]
    for key, wanted in (("user", f"{USER}:{USER}"), ("read_only", True), ("cap_drop", ["ALL"]), ("restart", "on-failure:3"),
                        ("security_opt", ["no-new-privileges:true"])):
        checks.same(key, service.get(key), wanted)
    checks.same("depends_on", manifest["services"]["api"]["depends_on"], {"migrate": {"condition": "service_completed_successfully"}})
    checks.same("secrets", sorted(service["secrets"]), sorted(manifest["secrets"]))
    checks.same("files", sorted(v for k, v in service["environment"].items() if k.endswith("_FILE")),
                sorted("/run/secrets/" + s for s in service["secrets"]))
    return Deployed(service["command"], service["environment"], seconds(service["stop_grace_period"]))


# ------------------------------------------------------------------------------------------------------------- systemd


def systemd(checks, text):
    settings = {}
    for line in re.findall(r"^([A-Za-z]+=.*)$", text, re.M):
        key, value = line.split("=", 1)
        settings.setdefault(key, []).append(value)
    variables = dict(v.split("=", 1) for v in settings["Environment"])
    credentials = {"%d/" + c.split(":")[0] for c in settings["LoadCredential"]}
    checks.same("files", {v for k, v in variables.items() if k.endswith("_FILE")}, credentials)
    words = settings["ExecStart"][0].split()
    checks.same("the executable", words.pop(0), "/usr/local/bin/profile-migrate")
    numbers = lambda key: {int(c) for c in settings[key][0].split()}
    # The table of exit codes, less what systemd is told is no failure.
    worth_it = {1, 2, 4, 5} - numbers("RestartPreventExitStatus") | numbers("SuccessExitStatus")
    deployed = Deployed(words, variables, seconds(settings["TimeoutStopSec"][0]), worth_it, numbers("RestartPreventExitStatus"))
    start = seconds(settings["TimeoutStartSec"][0])
    checks.demand(start > seconds(deployed.option("--deadline")) + seconds(deployed.option("--grace")), "TimeoutStartSec is short")
    every = start + seconds(settings["RestartSec"][0])
    checks.demand(int(settings["StartLimitBurst"][0]) * every >= int(settings["StartLimitIntervalSec"][0]) or
                  int(settings["StartLimitBurst"][0]) <= 5, "it would be tried for ever")
    return deployed


# --------------------------------------------------------------------------------------------------------------- Nomad

TOKEN = re.compile(r'\s+|#[^\n]*|(?P<string>"(?:[^"\\]|\\.)*")|(?P<word>[A-Za-z_][\w-]*|\d+)|(?P<sign>[{}\[\]=,])')


def tokens_of(text):
    at = 0
    while at < len(text):
        found = TOKEN.match(text, at)
        if not found:
            sys.exit(f"manifests.py: HCL: {text[at:at + 40]!r}")
        if found.lastgroup:
            yield found.group()
        at = found.end()


def hcl_value(tokens):
    token = tokens.pop(0)
    if token == "[":
        items = []
        while tokens[0] != "]":
            items.append(hcl_value(tokens))
            if tokens[0] == ",":
                tokens.pop(0)
        tokens.pop(0)
        return items
    if token.startswith('"'):
        return token[1:-1].replace('\\"', '"')
    return {"true": True, "false": False}[token] if not token.isdigit() else int(token)


def hcl_body(tokens):
    """Attributes by name; blocks by their words, in a list, since some come several times."""
    body = {}
    while tokens and tokens[0] != "}":
        words = [tokens.pop(0)]
        while tokens[0] not in "={":
            words.append(tokens.pop(0).strip('"'))
        if tokens.pop(0) == "=":
            body[words[0]] = hcl_value(tokens)
        else:
            body.setdefault(" ".join(words), []).append(hcl_body(tokens))
            tokens.pop(0)
    return body


def nomad(checks, text):
    tokens = list(tokens_of(text))
    [job] = hcl_body(tokens)["job profile-api"]
    checks.demand(not tokens, f"HCL ends before {tokens[:3]}")
    [group] = job["group api"]
    [task] = group["task migrate"]
    [config], [environment] = task["config"], task["env"]
    checks.same("lifecycle", task["lifecycle"], [{"hook": "prestart", "sidecar": False}])
    checks.same("user", task["user"], f"{USER}:{USER}")
    for key, wanted in (("readonly_rootfs", True), ("cap_drop", ["all"]), ("security_opt", ["no-new-privileges"])):
        checks.same(key, config.get(key), wanted)
    for template in task["template"]:
        checks.same("the template's owner and mode", [template["uid"], template["gid"], template["perms"]], [USER, USER, "400"])
    checks.same("files", sorted(v for k, v in environment.items() if k.endswith("_FILE")),
                sorted(t["destination"] for t in task["template"]))
    checks.demand(group["restart"][0]["attempts"] > 0 and group["restart"][0]["mode"] == "fail", "restart")
    return Deployed(config["args"], environment, seconds(task["kill_timeout"]))


# ------------------------------------------------------------------------------------------------------------ together


def read(path, everything, checks):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if everything:
        text = re.sub(r"^( *)# (- name: PROFILE_\w+)\n\1#   (value: .*)$", r"\1\2\n\1  \3", text, flags=re.M)
    if path.endswith(".service"):
        return systemd(checks, text)
    if path.endswith(".hcl"):
        return nomad(checks, text)
    manifest = yaml.safe_load(text)
    return compose(checks, manifest) if "services" in manifest else kubernetes(checks, manifest)


def filled_in(name, value):
    """What stands for something that the engine knows; where a file lies the test knows."""
    return "from the engine" if re.search(r"\$\{|%", value) and not name.endswith("_FILE") else value


def main():
    what, path, checks = sys.argv[1], sys.argv[2], Checks()
    deployed = read(path, "--all" in sys.argv[3:], checks)
    deployed.check(checks)
    lines = {
        "problems": checks.problems,
        "words": deployed.words,
        "variables": [f"{name}={filled_in(name, value)}" for name, value in deployed.variables.items()],
    }[what]
    for line in lines:
        print(line)


if __name__ == "__main__":
    main()
