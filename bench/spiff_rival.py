"""SpiffWorkflow on five-step dossiers: `python bench/spiff_rival.py DOSSIERS`, in an environment that has it.

Prints CPU seconds as JSON: with the state serialized after each step and restored before the next, as a
service must that is asked one step at a time; and in memory alone. Stands by itself: nothing of Motcua is
imported.
"""

from __future__ import annotations

import importlib
import itertools
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

STEPS = ("receive", "appraise", "approve", "stamp", "return")


def diagram() -> str:
    """A BPMN process of the five steps, one manual task each."""
    nodes = ["start", *STEPS, "end"]
    flows = list(itertools.pairwise(nodes))
    parts = ['<startEvent id="start"><outgoing>start_receive</outgoing></startEvent>']
    for place, step in enumerate(STEPS, 1):
        before, after = f"{nodes[place - 1]}_{step}", f"{step}_{nodes[place + 1]}"
        parts.append(
            f'<manualTask id="{step}" name="{step}"><incoming>{before}</incoming>'
            f"<outgoing>{after}</outgoing></manualTask>"
        )
    parts.append('<endEvent id="end"><incoming>return_end</incoming></endEvent>')
    parts += [f'<sequenceFlow id="{a}_{b}" sourceRef="{a}" targetRef="{b}"/>' for a, b in flows]
    return (
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="urn:motcua">'
        f'<process id="dossier" isExecutable="true">{"".join(parts)}</process></definitions>'
    )


def run(spec: Any, dossiers: int, serializer: Any) -> float:
    """CPU seconds of taking every dossier through its steps."""
    workflow_type = importlib.import_module("SpiffWorkflow.bpmn").BpmnWorkflow
    state = importlib.import_module("SpiffWorkflow.util.task").TaskState
    begun = time.process_time()
    flows = []
    for _ in range(dossiers):
        flow = workflow_type(spec)
        flow.do_engine_steps()
        flows.append(serializer.serialize_json(flow) if serializer else flow)
    for _ in STEPS:
        for place, kept in enumerate(flows):
            flow = serializer.deserialize_json(kept) if serializer else kept
            (task,) = flow.get_tasks(state=state.READY, manual=True)
            task.data["by"] = "officer"
            task.run()
            flow.do_engine_steps()
            flows[place] = serializer.serialize_json(flow) if serializer else flow
    used = time.process_time() - begun
    done = (serializer.deserialize_json(kept) if serializer else kept for kept in flows)
    if not all(flow.is_completed() for flow in done):
        sys.exit("a dossier is not through its steps")
    return used


def main() -> None:
    """Both ways."""
    dossiers = int(sys.argv[1])
    parser = importlib.import_module("SpiffWorkflow.bpmn.parser").BpmnParser()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dossier.bpmn"
        path.write_text(diagram(), encoding="utf-8")
        parser.add_bpmn_file(str(path))
    spec = parser.get_spec("dossier")
    serializer = importlib.import_module("SpiffWorkflow.bpmn.serializer").BpmnWorkflowSerializer()
    found = {
        "state to JSON after each step": run(spec, dossiers, serializer),
        "in memory alone": run(spec, dossiers, None),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
