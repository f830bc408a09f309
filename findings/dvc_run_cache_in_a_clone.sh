#!/usr/bin/env bash
# DVC 3.67.1: `dvc pull --run-cache` in a clone does not bring back what a stage with a git-kept metrics file made.
#
# Expected:  after `dvc push --run-cache` here and `dvc pull --run-cache` in a clone, an output that is deleted there comes
#            back by `dvc repro` from the run cache, without the stage's command, as it does where it was first run.
# Seen:      so it is for a stage with cached outputs alone. A stage that also has `metrics: {cache: false}` runs again:
#            push sends no file that git keeps, and without it the run cache's entry is not complete. `dvc checkout`
#            restores the output in both cases, and on the machine of the first run `dvc repro` does.
# Guessed before the run: restored in both places.
# What it means for a pipeline: keep the git-kept files' contents in the remote too, or tell people `dvc checkout`.
#
# Needs python3, git and PyPI. Exits 0 while this is so, 1 when it has changed.
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" && "$work/venv/bin/pip" install -q "dvc==3.67.1" 2>/dev/null
export PATH="$work/venv/bin:$PATH" DVC_NO_ANALYTICS=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.com GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example.com

mkdir "$work/first" && cd "$work/first" && git init -q && dvc init -q
echo seed > input.txt
cat > dvc.yaml <<'YAML'
stages:
  cached_alone:
    cmd: echo cached_alone >> ../ran && echo weights > alone.bin
    deps: [input.txt]
    outs: [alone.bin]
  with_metrics:
    cmd:
      - echo with_metrics >> ../ran
      - echo weights > beside.bin
      - "echo '{\"loss\": 0.25}' > metrics.json"
    deps: [input.txt]
    outs: [beside.bin]
    metrics: [metrics.json: {cache: false}]
YAML
dvc repro -q
dvc remote add -q -d shared "$work/remote"
git add -A && git commit -qm first
dvc push -q --run-cache
rm alone.bin beside.bin
: > "$work/ran"
dvc repro -q
here=$(sort "$work/ran" | tr '\n' ' ')

git clone -q "$work/first" "$work/clone" && cd "$work/clone" && dvc pull -q --run-cache
rm alone.bin beside.bin
: > "$work/ran"
dvc repro -q
clone=$(sort "$work/ran" | tr '\n' ' ')

echo "$(dvc --version): run again after an output was deleted: where it was first run: [${here% }], in the clone: [${clone% }]"
[ "$here" = "" ] && [ "$clone" = "with_metrics " ]
