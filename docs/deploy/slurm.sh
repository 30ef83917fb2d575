#!/bin/bash
# A fleet as a Slurm job array: each task takes one share of the tenants.
#
#     sbatch docs/deploy/slurm.sh                    eight shares
#     sbatch --array=0-31%16 docs/deploy/slurm.sh    32 shares, 16 of them at a time
#     sbatch docs/deploy/slurm.sh --exclude acme     further options of `tenant head`
#
# Variables, which sbatch hands on: MIGRATE (the executable; default: from PATH), ATTEMPTS (how often a task starts again
# for what is worth it; default 5), REPORTS (folder for the reports; default: where sbatch was called), and those that
# the executable reads: SHARED_DATABASE_URL or SHARED_DATABASE_URL_FILE, TENANT_DATABASE_URL…
#
# The registry comes first, once, before any task: `profile-migrate shared head`.
#SBATCH --job-name=migrate-tenants
#SBATCH --array=0-7
#SBATCH --cpus-per-task=1
#SBATCH --mem=64M
#SBATCH --time=01:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
set -u

task=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
report=${REPORTS:-$SLURM_SUBMIT_DIR}/tenants-$task.json

# Slurm sends SIGTERM to this script and to the executable alike, and SIGKILL after its KillWait (30 s unless the site
# says otherwise); so the script stays until the executable has come to its clean boundary.
asked_to_stop=""
trap 'asked_to_stop=yes' TERM

# The run ends by itself before --time does.
"${MIGRATE:-profile-migrate}" tenant head --shard auto --wait 60s --deadline 50min --grace 20s --report "$report" "$@"
status=$?

# 4: only failures that are worth a retry. 137 and 143: somebody killed or stopped the executable alone. Whoever stopped
# the task (scancel, scontrol requeue, the time limit) has decided what becomes of it; requeuing it here would bring a
# cancelled task back. 1, 2 and 5 will not go away by themselves: the task stays failed.
case $status in
4 | 137 | 143)
    if [[ -z $asked_to_stop ]] && ((${SLURM_RESTART_COUNT:-0} < ${ATTEMPTS:-5})); then
        # The task's own id: $SLURM_JOB_ID is, for one task of the array, the id of the whole array.
        echo "$task: exit $status, once more" >&2
        scontrol requeue "$task"
    fi
    ;;
esac
exit "$status"
