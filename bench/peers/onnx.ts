// The few protobuf messages of onnx.proto3 that a small model needs, written by hand: no onnx package.
// Numbers in comments are the field numbers of the specification.

const VARINT = 0;
const BYTES = 2;
const FIXED32 = 5;

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return bytes;
}

type Field = Uint8Array;

function join(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const int = (field: number, value: number): Field => Uint8Array.from([...varint((field << 3) | VARINT), ...varint(value)]);
const float = (field: number, value: number): Field =>
  join([Uint8Array.from(varint((field << 3) | FIXED32)), new Uint8Array(new Float32Array([value]).buffer)]);
const bytes = (field: number, value: Uint8Array): Field =>
  join([Uint8Array.from([...varint((field << 3) | BYTES), ...varint(value.length)]), value]);
const text = (field: number, value: string): Field => bytes(field, new TextEncoder().encode(value));
const message = (field: number, ...parts: Field[]): Field => bytes(field, join(parts));

export type Attribute = number | string | readonly number[] | { float: number };

export interface Node {
  op: string;
  inputs: string[];
  outputs: string[];
  attributes?: Record<string, Attribute>;
  /** '' is the standard set; 'com.microsoft' has ONNX Runtime's own ops. */
  domain?: string;
}

/** AttributeProto: name 1, f 2, i 3, s 4, ints 8, type 20 (FLOAT 1, INT 2, STRING 3, INTS 7). */
function attribute(name: string, value: Attribute): Field {
  const parts = [text(1, name)];
  if (typeof value === 'number') parts.push(int(3, value), int(20, 2));
  else if (typeof value === 'string') parts.push(text(4, value), int(20, 3));
  else if ('float' in value) parts.push(float(2, value.float), int(20, 1));
  else parts.push(...value.map((v) => int(8, v)), int(20, 7));
  return message(5, ...parts);
}

/** NodeProto: input 1, output 2, op_type 4, attribute 5, domain 7. */
function node(n: Node): Field {
  return message(
    1,
    ...n.inputs.map((i) => text(1, i)),
    ...n.outputs.map((o) => text(2, o)),
    text(4, n.op),
    ...Object.entries(n.attributes ?? {}).map(([name, value]) => attribute(name, value)),
    text(7, n.domain ?? ''),
  );
}

export interface Weight {
  dims: readonly number[];
  data: Float32Array | BigInt64Array;
}

/** TensorProto: dims 1, data_type 2 (FLOAT 1, INT64 7), name 8, raw_data 9. */
function initializer(name: string, { dims, data }: Weight): Field {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const type = data instanceof Float32Array ? 1 : 7;
  return message(5, ...dims.map((d) => int(1, d)), int(2, type), text(8, name), bytes(9, raw));
}

/** ValueInfoProto: name 1, type 2 { tensor_type 1 { elem_type 1, shape 2 { dim 1 { dim_value 1 } } } }; always f32. */
function valueInfo(field: number, name: string, dims: readonly number[]): Field {
  const shape = message(2, ...dims.map((d) => message(1, int(1, d))));
  return message(field, text(1, name), message(2, message(1, int(1, 1), shape)));
}

export interface Model {
  nodes: Node[];
  weights?: Record<string, Weight>;
  inputs: Record<string, readonly number[]>;
  outputs: Record<string, readonly number[]>;
  opset?: number;
}

/** ModelProto: ir_version 1, graph 7, opset_import 8 { domain 1, version 2 }. GraphProto: node 1, name 2, initializer 5, input 11, output 12. */
export function onnxModel(model: Model): Uint8Array {
  const graph = message(
    7,
    ...model.nodes.map(node),
    text(2, 'bench'),
    ...Object.entries(model.weights ?? {}).map(([name, w]) => initializer(name, w)),
    ...Object.entries(model.inputs).map(([name, dims]) => valueInfo(11, name, dims)),
    ...Object.entries(model.outputs).map(([name, dims]) => valueInfo(12, name, dims)),
  );
  const opset = model.opset ?? 20;
  return join([int(1, 9), graph, message(8, text(1, ''), int(2, opset)), message(8, text(1, 'com.microsoft'), int(2, 1))]);
}
