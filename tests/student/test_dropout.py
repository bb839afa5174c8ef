"""The quick dropout is dropout: rate, scale, gradient, and attention with it."""

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from s3.student.dropout import QuickDropout, attention, mask, quicken
from s3.student.weights import Pretrained, load_model


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_mask_has_its_rate_and_keeps_the_mean(p, dtype):
    torch.manual_seed(0)
    drawn = mask(torch.empty(1001, 999, dtype=dtype), p)
    assert drawn.dtype is dtype
    rate = float((drawn == 0).float().mean())
    assert rate == pytest.approx(round(p * 2**8) / 2**8, abs=0.0015)
    assert float(drawn.float().mean()) == pytest.approx(1, abs=0.01)
    assert len(drawn.unique()) == 2
    pairs = (drawn[:, 1:] == 0) & (drawn[:, :-1] == 0)  # neighbours come from one number
    assert float(pairs.float().mean()) == pytest.approx(rate * rate, abs=0.001)


@pytest.mark.parametrize("p", [1e-4, 0.9995])
def test_rates_that_a_byte_cannot_say_are_kept(p):
    dropped = float((mask(torch.empty(1000, 1000), p) == 0).float().mean())
    assert dropped == pytest.approx(p, abs=0.00005)


def test_it_drops_in_training_only_and_drops_the_gradient_too():
    layer, values = QuickDropout(0.3), torch.ones(64, 64, requires_grad=True)
    out = layer(values)
    out.sum().backward()
    assert torch.equal(values.grad, out.detach())
    assert torch.equal(layer.eval()(values), values)


@pytest.fixture
def parts():
    torch.manual_seed(0)
    allowed = torch.ones(2, 1, 5, 5, dtype=torch.bool)
    allowed[1, :, :, 3:] = False  # the second row has two tokens of padding
    return *torch.randn(3, 2, 4, 5, 8).unbind(), allowed


def test_attention_is_torchs_but_for_the_draws(parts):
    *tensors, allowed = parts
    wanted = scaled_dot_product_attention(*tensors, attn_mask=allowed).transpose(1, 2)
    module = torch.nn.Module()
    found = attention(module, *tensors, allowed, dropout=1e-9)[0]  # our path, nothing dropped
    assert torch.allclose(found, wanted, atol=1e-5)
    draws = torch.stack([attention(module, *tensors, allowed, dropout=0.2)[0] for _ in range(1000)])
    assert torch.allclose(draws.mean(0), wanted, atol=0.1)
    assert draws.std(0).min() > 0.01


def test_a_quickened_model_answers_as_before_in_evaluation(tiny, head):
    model = load_model(head, Pretrained(str(tiny)))
    ids = torch.arange(5, 15)[None].repeat(2, 1)
    given = {
        "input_ids": ids,
        "attention_mask": (torch.arange(10) < torch.tensor([[10], [6]])).int(),
    }
    before = model(**given).logits
    quicken(model)
    assert torch.allclose(model(**given).logits, before, atol=1e-6)
    model.train()
    assert not torch.equal(model(**given).logits, model(**given).logits)
