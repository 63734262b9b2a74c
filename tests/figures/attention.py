"""Attention, transformers and positions: see figures.py."""
import torch
from torch import nn

from figures import keep, layer, main, wave

q, k, v = wave(3, 2, 4), wave(5, 2, 4, seed=1), wave(5, 2, 4, seed=2)
causal = torch.ones(3, 3).triu(1).bool()
hidden = torch.tensor([[False, True, False, False, True], [False, False, False, True, False], [True, False, True, False, False]])
padding = torch.tensor([[False, False, False, False, True], [False, False, False, True, True]])


def attention(case, *inputs, options={}, weights=False, average=True, **masks):
    m = nn.MultiheadAttention(4, 2, **options)

    def call(*a):
        a = a if len(a) > 1 else 3 * a
        return m(*a, need_weights=weights, average_attn_weights=average, **masks)
    layer(case, m, *inputs, call=call)


attention("MultiheadAttention", q, k, v)
attention("MultiheadAttention of itself", q)
attention("MultiheadAttention weights", q, k, v, weights=True)
attention("MultiheadAttention weights of heads", q, k, v, weights=True, average=False)
attention("MultiheadAttention without bias", q, k, v, options={"bias": False})
attention("MultiheadAttention other sizes", q, wave(5, 2, 3, seed=1), wave(5, 2, 2, seed=2), options={"kdim": 3, "vdim": 2})
attention("MultiheadAttention batch first", q.swapaxes(0, 1), k.swapaxes(0, 1), v.swapaxes(0, 1), options={"batch_first": True}, weights=True)
attention("MultiheadAttention batch first, of itself", q, options={"batch_first": True})
attention("MultiheadAttention one sample", q[:, 0], k[:, 0], v[:, 0], weights=True)
attention("MultiheadAttention one sample, of itself", q[:, 0])
attention("MultiheadAttention causal", q, attn_mask=causal)
attention("MultiheadAttention masks", q, k, v, attn_mask=hidden, key_padding_mask=padding, weights=True)
attention("MultiheadAttention masks of heads", q, k, v, attn_mask=torch.stack([hidden, ~hidden, hidden, hidden.flip(1)]))
attention("MultiheadAttention added masks", q, k, v, attn_mask=wave(3, 5, seed=3), key_padding_mask=padding)
attention("MultiheadAttention more keys", q, k, v, options={"add_bias_kv": True, "add_zero_attn": True}, weights=True)
attention("MultiheadAttention more keys, masks", q, k, v, options={"add_bias_kv": True, "add_zero_attn": True}, attn_mask=hidden,
          key_padding_mask=padding)
attention("MultiheadAttention more keys, causal", q, options={"add_bias_kv": True}, attn_mask=causal)
learned = nn.MultiheadAttention(4, 2)
layer("MultiheadAttention learned mask", learned, q, k, v, wave(3, 5, seed=3),
      call=lambda a, b, c, mask: learned(a, b, c, attn_mask=mask, need_weights=False)[0])

# --- transformers ---------------------------------------------------------------------------------------------------

small = {"dim_feedforward": 3, "dropout": 0.0}
src, tgt = wave(5, 2, 4), wave(3, 2, 4, seed=1)
source_mask = torch.zeros(5, 5).bool()
source_mask[0, 3] = source_mask[4, 1] = True
layer("TransformerEncoderLayer", nn.TransformerEncoderLayer(4, 2, **small), src)
m = nn.TransformerEncoderLayer(4, 2, **small, norm_first=True, activation="gelu", batch_first=True, layer_norm_eps=1e-3)
layer("TransformerEncoderLayer norm first, gelu, batch first, causal", m, tgt.swapaxes(0, 1), call=lambda a: m(a, src_mask=causal))
encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, **small), 2, nn.LayerNorm(4))
layer("TransformerEncoder", encoder, src, call=lambda a: encoder(a, mask=source_mask, src_key_padding_mask=padding))
one = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, **small), 1)
layer("TransformerEncoder one sample", one, src[:, 0])
layer("TransformerDecoderLayer", nn.TransformerDecoderLayer(4, 2, **small), tgt, src)
d = nn.TransformerDecoderLayer(4, 2, **small, norm_first=True, activation="gelu", batch_first=True)
layer("TransformerDecoderLayer norm first, gelu, batch first, masks", d, tgt.swapaxes(0, 1), src.swapaxes(0, 1),
      call=lambda a, b: d(a, b, tgt_mask=causal, memory_mask=hidden, tgt_key_padding_mask=padding[:, 2:].flip(0) & causal[:2],
                          memory_key_padding_mask=padding))
decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, **small), 2, nn.LayerNorm(4))
layer("TransformerDecoder", decoder, tgt, src)
whole = nn.Transformer(d_model=4, nhead=2, num_encoder_layers=1, num_decoder_layers=1, **small)
layer("Transformer", whole, src, tgt,
      call=lambda a, b: whole(a, b, src_mask=source_mask, tgt_mask=nn.Transformer.generate_square_subsequent_mask(3), memory_mask=hidden,
                              src_key_padding_mask=padding, memory_key_padding_mask=padding))

# --- positions: what PyTorch has no layer for, by the formulas of the papers --------------------------------------------

steps, width = 6, 4
angles = torch.arange(steps).double()[:, None] / 10000 ** (torch.arange(width // 2).double() / (width // 2))
table = torch.empty(steps, width)
table[:, 0::2], table[:, 1::2] = angles.sin(), angles.cos()  # Vaswani et al. 2017, 3.5
keep("positions", "sinusoidal", table)
turn = torch.polar(torch.ones_like(angles), angles)  # Su et al. 2021, 3.2.2: a pair is a complex number
for pairs, apart, together in (("halves", lambda a: a.unflatten(-1, (2, -1)).swapaxes(-1, -2), lambda a: a.swapaxes(-1, -2).flatten(-2)),
                               ("neighbours", lambda a: a.unflatten(-1, (-1, 2)), lambda a: a.flatten(-2))):
    layer(f"rotary {pairs}", lambda a, apart=apart, together=together:
          together(torch.view_as_real(torch.view_as_complex(apart(a).contiguous()) * turn)), wave(2, steps, width), filled=True)
embedding = nn.Embedding(7, width)
layer("learned positions", embedding, wave(steps, 2, width), call=lambda a: a + embedding(torch.arange(steps))[:, None])

main()
