"""What pycolmap finds in a sparse model: poses by image, places of points, and where a ray is seen."""

import json
import sys

import numpy as np
import pycolmap  # pyright: ignore[reportMissingImports]

RAYS = np.array([[x, y, 1.0] for x in (-0.4, 0.0, 0.3) for y in (-0.2, 0.1)])

model = pycolmap.Reconstruction(sys.argv[1])
images = {}
for image in model.images.values():
    world_to_camera = np.vstack([image.cam_from_world().matrix(), [0, 0, 0, 1]])
    pixels = [model.cameras[image.camera_id].img_from_cam(ray).tolist() for ray in RAYS]
    images[image.name] = {"camera_to_world": np.linalg.inv(world_to_camera).tolist(), "pixels": pixels}
points = [model.points3D[key].xyz.tolist() for key in sorted(model.points3D)]
if len(sys.argv) > 2:
    model.write(sys.argv[2])
print(json.dumps({"rays": RAYS.tolist(), "images": images, "points": points}))
