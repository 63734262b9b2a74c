#pragma once

// Neural networks on xgrad's engine, in reading order. Names, arguments, defaults, parameter names and shapes are PyTorch's.
#include <autodiff/autodiff.hpp>

#include "module.hpp"      // XGRAD_FIELDS, parameters, train and eval: what makes a struct a model
#include "state.hpp"       // state_dict, load_state_dict, freeze: a model as named tensors
#include "pattern.hpp"     // names by pattern
#include "safetensors.hpp"  // weights in and out: save_safetensors, load_safetensors
#include "npz.hpp"          // the same in NumPy's formats
#include "functional.hpp"   // functional_call, ravel and unravel: a model as a value of its parameters
#include "transforms.hpp"   // grad, hessian, vmap and the others with respect to a model or a struct, to_dot with names
#include "random.hpp"      // manual_seed
#include "init.hpp"        // initial values
#include "linear.hpp"      // Linear, Bilinear
#include "embedding.hpp"   // Embedding, EmbeddingBag
#include "conv.hpp"        // convolutions and their transposes
#include "pool.hpp"        // pooling
#include "norm.hpp"        // batch, layer, group, instance, RMS normalisation
#include "weight_norm.hpp"  // WeightNorm, SpectralNorm: layers with a computed weight
#include "activation.hpp"  // ReLU, Tanh, … as layers
#include "adaptive_softmax.hpp"  // AdaptiveLogSoftmaxWithLoss: very many classes
#include "dropout.hpp"     // Dropout and its kin
#include "shape.hpp"       // Flatten, Identity, Upsample, PixelShuffle
#include "padding.hpp"     // margins of constants, reflections, repetitions
#include "recurrent.hpp"   // RNN, LSTM, GRU and their cells
#include "attention.hpp"   // MultiheadAttention
#include "transformer.hpp"  // encoder and decoder layers, Transformer
#include "position.hpp"    // sinusoidal, learned and rotary positions
#include "sequential.hpp"  // layers one after another
#include "summary.hpp"     // a table of layers, shapes and sizes
#include "loss.hpp"        // mse_loss, cross_entropy, …
#include "loss_margin.hpp" // triplet_margin_loss, info_nce, …
#include "distributions.hpp"  // entropies, divergences, penalties of weights
#include "optimizer.hpp"   // what all optimizers share: groups of parameters, state
#include "optim.hpp"       // SGD, Adam, AdamW, RMSprop, Lion, …
#include "muon.hpp"        // Muon
#include "lbfgs.hpp"       // LBFGS
#include "schedule.hpp"    // StepLR, CosineAnnealingLR, OneCycleLR, …
#include "gradients.hpp"   // clip_grad_norm, GradientAccumulator
#include "averaging.hpp"   // EMA, AveragedModel
#include "dataset.hpp"     // Dataset, TensorDataset, Subset, ConcatDataset, MapDataset, random_split
#include "sampler.hpp"     // RandomSampler, WeightedRandomSampler, … for DataLoader
#include "collate.hpp"     // samples into batches, pad_sequence
#include "data.hpp"        // DataLoader, StreamLoader
#include "images.hpp"      // image batches flipped, cropped, turned, normalised
#include "png.hpp"         // save_png, make_grid: pictures as files
#include "boxes.hpp"       // box_iou, nms: boxes around objects
#include "metrics.hpp"     // accuracy, ConfusionMatrix, RocAuc, …
#include "progress.hpp"    // ProgressBar: how far a loop is
#include "trainer.hpp"     // Trainer: the usual loop, with checkpoints and reports
#include "plot.hpp"        // diagrams as SVG files, drawn by gnuplot
#include "report.hpp"      // a run as a page with curves
#include "idx.hpp"         // read_idx: the files of the MNIST family
#include "csv.hpp"         // read_csv: tables
#include "vocabulary.hpp"  // CharVocabulary, BytePairVocabulary, WordPieceVocabulary: texts as numbers
