#pragma once

// Neural networks on xgrad's engine, in reading order. Names, arguments, defaults, parameter names and shapes are PyTorch's.
#include <autodiff/autodiff.hpp>

#include "module.hpp"      // XGRAD_FIELDS, parameters, train and eval: what makes a struct a model
#include "state.hpp"       // state_dict, load_state_dict, freeze: a model as named tensors
#include "pattern.hpp"     // names by pattern
#include "transforms.hpp"   // value_and_grad and grad of structured arguments, to_dot with names
#include "random.hpp"      // manual_seed
#include "init.hpp"        // initial values
#include "linear.hpp"      // Linear
#include "activation.hpp"  // ReLU, Tanh, … as layers
#include "dropout.hpp"     // Dropout
#include "shape.hpp"       // Flatten, Identity
#include "sequential.hpp"  // layers one after another
#include "loss.hpp"        // mse_loss, cross_entropy, …
#include "optim.hpp"       // SGD, Adam, AdamW
#include "dataset.hpp"     // Dataset, TensorDataset, Subset, ConcatDataset, MapDataset, random_split
#include "sampler.hpp"     // RandomSampler, WeightedRandomSampler, … for DataLoader
#include "collate.hpp"     // samples into batches, pad_sequence
#include "data.hpp"        // DataLoader, StreamLoader
#include "images.hpp"      // image batches flipped, cropped, turned, normalised
#include "metrics.hpp"     // accuracy, ConfusionMatrix, RocAuc, …
