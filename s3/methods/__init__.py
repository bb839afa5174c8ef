"""The methods: the paper's own and those that it compares with.

What each asks of an LLM, by the task's prompt templates, and what of gold data its prompts show.
Every method keeps the epoch that is best on gold validation; none sees the test split.

| method | prompts for the seed | prompts of later rounds | shows gold |
|---|---|---|---|
| S3 | `rationale`, `query` (1) | `mistake`, for each error (4) | contexts (2); errors and labels |
| S3, `rationales=false` | `bare` (1) | `mistake`, for each error (4) | likewise |
| S3, `extrapolated=nothing` | `rationale`, `query` (1) | none | contexts (2) |
| GoldGen: S3, `extrapolated=gold` | `rationale`, `query` (1) | `mistake` | all texts, all labels |
| ZeroGen | `condition`, `zerogen` (3) | none | contexts, no labels, no answers |
| ZeroShot | `persona`, `generation` (3), in conversations | none | contexts |
| FewShot | the same, after real examples | none | texts and labels of gold train |
| ProGen | `condition`, `zerogen` (3) | the same, after synthetic examples | as ZeroGen |
| GoldOnly | none | none | nothing: it trains on gold data |

(1) `query` alone where the task has given texts. (2) The given texts; in question answering with
their answers. (3) `query` where the task has given texts and `zerogen` is empty; and these where
`generation` is.
(4) By default for a mixture of errors and other gold (`error_share`; 1 is S3 as published).
"""

from s3.methods.base import Bench, Method, Round
from s3.methods.fewshot import FewShot
from s3.methods.gold import GoldOnly
from s3.methods.progen import ProGen
from s3.methods.s3 import S3
from s3.methods.zerogen import ZeroGen
from s3.methods.zeroshot import ZeroShot

__all__ = [
    "S3",
    "Bench",
    "FewShot",
    "GoldOnly",
    "Method",
    "ProGen",
    "Round",
    "ZeroGen",
    "ZeroShot",
]
