/* The functions of one number that are compiled: hidden layers' activations, and exp. */
#ifndef SKDIGITNET_FUNCTION_H
#define SKDIGITNET_FUNCTION_H

typedef enum { IDENTITY, LOGISTIC, TANH, RELU, EXPONENTIAL } Function;

#endif
