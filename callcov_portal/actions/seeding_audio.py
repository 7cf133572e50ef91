"""A short real recording for some demo calls, so that there is something to play."""

import shutil
import uuid
from pathlib import Path

from django.db import transaction

from callcov_portal.actions import drawing, recordings, shelving
from callcov_portal.models import Recording, State
from callcov_portal.uploads import incoming_folder, refuse_if_disk_full

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "call2_complaint.mono.mp3"


def give(count: int) -> int:
    """Give the newest demo calls that are analysed and have none a copy of an example, and return how many got one.

    The words of these calls are other words: what is heard is not what stands there. A copy takes about 300 kB.
    """
    silent = Recording.objects.filter(is_demo=True, state=State.COMPLETED, file="").newest_first()
    numbers = list(silent.values_list("pk", flat=True)[:count])
    probe = recordings.examine(EXAMPLE)
    size = EXAMPLE.stat().st_size
    refuse_if_disk_full(incoming_folder(), size * len(numbers))
    fields = {**recordings.probe_fields(probe), "size_bytes": size}
    del fields["duration_seconds"]  # stays that of the words, which the sums have
    for number in numbers:
        copy = incoming_folder() / f"{uuid.uuid4()}.part"
        shutil.copyfile(EXAMPLE, copy)
        name = shelving.shelve(copy, probe.format)
        with transaction.atomic():
            if Recording.objects.filter(pk=number, file="").update(file=name, **fields):
                drawing.note_due(number)
            else:
                shelving.discard(name)
    return len(numbers)
