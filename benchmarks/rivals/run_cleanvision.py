"""Look for issues in a folder with cleanvision as its documentation does.

Prints one line of JSON for each photo: of its measures, that of blur.
"""

import json
import sys
from pathlib import Path

from cleanvision import Imagelab


def main(folder: str) -> None:
    """Print what was found."""
    lab = Imagelab(data_path=folder, verbose=False)
    lab.find_issues(n_jobs=1, verbose=False)
    for path, score in lab.issues["blurry_score"].items():
        print(json.dumps([Path(path).name, float(score)]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
