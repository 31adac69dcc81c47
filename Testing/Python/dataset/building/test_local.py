"""A local language model: a tiny one of a real class, with random weights, that nobody can understand."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from MedSegRLib.anatomy import AnatomyTable
from MedSegRLib.dataset.building.annotator import UnusableConversation
from MedSegRLib.dataset.building.facts import Facts
from MedSegRLib.dataset.building.language import LanguageAnnotator
from MedSegRLib.dataset.building.local import LocalWriter
from MedSegRLib.errors import CheckpointError

TEMPLATE = (
    "{% for m in messages %}<{{ m['role'] }}> {{ m['content'] }} {% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("chat") / "tiny-llama"
    letters = {sign: n for n, sign in enumerate(["<s>", "</s>", "<unk>", *map(chr, range(32, 127))])}
    tokenizer = Tokenizer(models.WordLevel(letters, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    fast.chat_template = TEMPLATE
    fast.save_pretrained(place)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(letters), hidden_size=16, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=32768, bos_token_id=0, eos_token_id=1,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(place)
    return place


def test_it_writes_the_same_words_with_the_same_seed_and_leaves_other_draws_alone(folder: Path) -> None:
    writer = LocalWriter(folder, answer_tokens=12)
    said = [{"role": "user", "content": "hello"}]
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    first = writer.write(said, 7)
    assert torch.equal(torch.rand(1), expected)
    assert first and first == writer.write(said, 7)
    assert len({writer.write(said, seed) for seed in range(5)}) > 1
    assert "hello" not in first and writer.name == "tiny-llama"


def test_what_it_babbles_is_no_conversation(folder: Path, facts: Facts, table: AnatomyTable) -> None:
    annotator = LanguageAnnotator(LocalWriter(folder, answer_tokens=8), table)
    assert annotator.name == "tiny-llama"
    with pytest.raises(UnusableConversation, match="The reply"):
        annotator.converse(facts, 2, random.Random(0))


def test_a_folder_that_holds_no_chat_model_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no config.json\); give such a folder"):
        LocalWriter(tmp_path)
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(CheckpointError, match="cannot be opened as a language model"):
        LocalWriter(tmp_path)
    silent = tmp_path / "silent"
    silent.mkdir()
    for file in folder.iterdir():
        if file.name != "chat_template.jinja":
            (silent / file.name).write_bytes(file.read_bytes())
    with pytest.raises(CheckpointError, match="has no chat template; give a model that chats"):
        LocalWriter(silent)
