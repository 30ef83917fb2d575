# shellcheck shell=bash disable=SC2154 # $T is of tests/integration/lib.sh
# A Slurm cluster of a test alone, from Debian's packages: munged, slurmctld and some slurmd on this machine, all of it in
# $T/slurm, as whoever runs the test (root or not), with a munge key and ports of its own. Sourced after
# tests/integration/lib.sh.
#
#     start_slurm 4 4          four nodes with four CPUs each, whatever the machine has
#     sbatch … scontrol … squeue …
#     stop_slurm               also when it was only half started

SLURM_HOME=$T/slurm
SLURM_CONF=$SLURM_HOME/slurm.conf
SLURM_NODES=()
# Below the range that the kernel takes ports of outgoing connections from.
SLURM_PORT=$((20000 + RANDOM % 12000))

# start_slurm NODES CPUS
start_slurm() {
    local user n
    user=$(id -un)
    mkdir -p "$SLURM_HOME/state"
    chmod 711 "$SLURM_HOME"
    for ((n = 0; n < $1; n++)); do SLURM_NODES+=("node$n"); done
    # No cgroups, no accounting, no mail: nothing that reaches outside this folder. cred_expire is also how long a requeued
    # job waits (two minutes otherwise); config_overrides lets a node have more CPUs than the machine.
    cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=$SLURM_PORT
AuthType=auth/munge
AuthInfo=socket=$SLURM_HOME/munge.socket,cred_expire=5
SlurmUser=$user
SlurmdUser=$user
StateSaveLocation=$SLURM_HOME/state
SlurmctldPidFile=$SLURM_HOME/slurmctld.pid
SlurmctldLogFile=$SLURM_HOME/slurmctld.log
SlurmdPidFile=$SLURM_HOME/slurmd.%n.pid
SlurmdLogFile=$SLURM_HOME/slurmd.%n.log
SlurmdSpoolDir=$SLURM_HOME/spool.%n
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
ReturnToService=2
MinJobAge=86400
NodeName=node[0-$(($1 - 1))] NodeHostname=localhost NodeAddr=127.0.0.1 Port=[$((SLURM_PORT + 1))-$((SLURM_PORT + $1))] CPUs=$2 RealMemory=4096
PartitionName=all Nodes=ALL Default=YES MaxTime=UNLIMITED State=UP
CONF
    : >"$SLURM_HOME/cgroup.conf"
    export SLURM_CONF
    head -c 128 /dev/urandom >"$SLURM_HOME/munge.key"
    chmod 600 "$SLURM_HOME/munge.key"
    /usr/sbin/munged --foreground --key-file="$SLURM_HOME/munge.key" --socket="$SLURM_HOME/munge.socket" \
        --pid-file="$SLURM_HOME/munge.pid" --log-file="$SLURM_HOME/munge.log" --seed-file="$SLURM_HOME/munge.seed" \
        >"$SLURM_HOME/munge.out" 2>&1 &
    disown
    eventually 10 munge -n -S "$SLURM_HOME/munge.socket" || slurm_failed munge
    /usr/sbin/slurmctld -D >"$SLURM_HOME/slurmctld.out" 2>&1 &
    disown
    eventually 20 scontrol ping || slurm_failed slurmctld
    for n in "${SLURM_NODES[@]}"; do start_node "$n"; done
    eventually 20 nodes_are_idle || slurm_failed slurmd
}

nodes_are_idle() { [[ $(sinfo -h -t idle -o %D) == "${#SLURM_NODES[@]}" ]]; }

slurm_failed() {
    echo "$1 did not start:" >&2
    tail -n 30 "$SLURM_HOME/$1"*.log "$SLURM_HOME/$1"*.out >&2
    return 1
}

start_node() {
    # Not a job of this shell, which would tell about its death.
    /usr/sbin/slurmd -N "$1" -D >"$SLURM_HOME/slurmd.$1.out" 2>&1 &
    disown
}

# crash_node NODE: its daemon and the supervisors of its jobs die at once, as of a power cut; what the jobs started stays
# alive, as behind a network that broke. Slurm requeues what ran there; start_node brings the node back.
crash_node() {
    local pid
    kill -KILL "$(cat "$SLURM_HOME/slurmd.$1.pid")" 2>/dev/null || true
    for pid in $(processes_with "$SLURM_HOME/spool.$1") $(processes_with "$SLURM_HOME/slurmd.$1.log"); do
        [[ $(cat "/proc/$pid/comm" 2>/dev/null) != slurmstepd ]] || kill -KILL "$pid" 2>/dev/null || true
    done
    rm -f "$SLURM_HOME/slurmd.$1.pid"
    # Slurm would find out by itself, after minutes; a site's health check tells it.
    scontrol update "nodename=$1" state=down reason=crash
}

# processes_with PATH: ids of the processes that stand in that folder or have it, or something below it, open.
processes_with() {
    # Processes come and go while find looks, which it reports.
    { find /proc/[0-9]*/cwd /proc/[0-9]*/fd -maxdepth 1 -type l \( -lname "$1" -o -lname "$1/*" \) 2>/dev/null || true; } |
        cut -d / -f 3 | sort -u
}

# stop_slurm: everything that was started here, jobs included, by what it has open. Never fails.
stop_slurm() {
    local pids end=$((SECONDS + 10))
    [[ -e $SLURM_CONF ]] || return 0
    # More than once: a daemon that is about to start a job does so between the look and the blow.
    while mapfile -t pids < <(processes_with "$SLURM_HOME") && ((${#pids[@]} > 0 && SECONDS < end)); do
        kill -KILL "${pids[@]}" 2>/dev/null || true
        sleep 0.1
    done
}
