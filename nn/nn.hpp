#pragma once

// Neural networks on xgrad's engine, in reading order. Names, arguments, defaults, parameter names and shapes are
// PyTorch's.
#include <autodiff/autodiff.hpp>

#include "core/module.hpp"              // XGRAD_FIELDS, parameters, train and eval: what makes a struct a model
#include "core/state.hpp"               // state_dict, load_state_dict, freeze: a model as named tensors
#include "core/pattern.hpp"             // choosing parameters by name pattern
#include "weights/safetensors.hpp"      // loading and saving weights: save_safetensors, load_safetensors
#include "weights/npz.hpp"              // the same in NumPy's .npy and .npz
#include "core/functional.hpp"          // functional_call, ravel, unravel: a model as a function of its parameters
#include "core/transforms.hpp"          // grad, hessian, vmap, … of a model or a struct; to_dot with names
#include "core/random.hpp"              // manual_seed
#include "core/init.hpp"                // weight initialisation
#include "layers/linear.hpp"            // Linear, Bilinear
#include "layers/embedding.hpp"         // Embedding, EmbeddingBag
#include "layers/conv.hpp"              // convolutions and their transposes
#include "layers/pool.hpp"              // pooling
#include "layers/norm.hpp"              // batch, layer, group, instance, RMS normalisation
#include "layers/weight_norm.hpp"       // WeightNorm, SpectralNorm: layers with a computed weight
#include "layers/activation.hpp"        // ReLU, Tanh, … as layers
#include "layers/adaptive_softmax.hpp"  // AdaptiveLogSoftmaxWithLoss: softmax over very many classes
#include "layers/dropout.hpp"           // Dropout and its variants
#include "layers/shape.hpp"             // Flatten, Identity, Upsample, PixelShuffle
#include "layers/padding.hpp"           // constant, reflection and replication padding
#include "layers/recurrent.hpp"         // RNN, LSTM, GRU and their cells
#include "layers/attention.hpp"         // MultiheadAttention
#include "layers/transformer.hpp"       // encoder and decoder layers, Transformer
#include "layers/position.hpp"          // sinusoidal, learned and rotary position encodings
#include "layers/sequential.hpp"        // Sequential: layers one after another
#include "core/summary.hpp"             // a table of layers, output shapes and parameter counts
#include "losses/loss.hpp"              // mse_loss, cross_entropy, …
#include "losses/margin.hpp"            // triplet_margin_loss, info_nce, …
#include "losses/divergences.hpp"       // entropies, divergences, weight penalties
#include "optim/optimizer.hpp"          // what all optimizers share: groups of parameters, state
#include "optim/first_order.hpp"        // SGD, Adam, AdamW, RMSprop, Lion, …
#include "optim/muon.hpp"               // Muon
#include "optim/lbfgs.hpp"              // LBFGS
#include "optim/schedule.hpp"           // StepLR, CosineAnnealingLR, OneCycleLR, …
#include "optim/gradients.hpp"          // clip_grad_norm, GradientAccumulator
#include "optim/averaging.hpp"          // EMA, AveragedModel
#include "data/dataset.hpp"             // Dataset, TensorDataset, Subset, ConcatDataset, MapDataset, random_split
#include "data/sampler.hpp"             // RandomSampler, WeightedRandomSampler, … for DataLoader
#include "data/collate.hpp"             // samples into batches, pad_sequence
#include "data/loader.hpp"              // DataLoader, StreamLoader
#include "data/images.hpp"              // augmentation: image batches flipped, cropped, rotated, normalised
#include "plot/png.hpp"                 // save_png, make_grid: pictures as files
#include "data/boxes.hpp"               // box_iou, nms: bounding boxes
#include "train/metrics.hpp"            // accuracy, ConfusionMatrix, RocAuc, …
#include "train/progress.hpp"           // ProgressBar: the progress of a loop
#include "train/trainer.hpp"            // Trainer: a training loop, with checkpoints and reports
#include "plot/plot.hpp"                // plots as SVG files, drawn by gnuplot
#include "train/report.hpp"             // a training run as an HTML page with curves
#include "data/idx.hpp"                 // read_idx: the files of the MNIST family
#include "data/csv.hpp"                 // read_csv: tables
#include "data/vocabulary.hpp"          // CharVocabulary, BytePairVocabulary, WordPieceVocabulary: tokenizers
